// One position for all players: whichever plays leads, the others are paused and take over where it stands.
(() => {
  const rows = [...document.querySelectorAll("article")];
  const players = rows.map((row) => row.querySelector("audio"));
  const views = rows.map((row) => row.querySelector(".view"));
  const choices = [...document.querySelectorAll(".choice")];
  const playButton = document.querySelector(".play");
  const clock = document.querySelector(".clock");
  const seconds = {{ seconds | tojson }};
  const timelines = new Timelines({
    views,
    seconds,
    cellSeconds: {{ (packet_ms / 1000) | tojson }},
    delaySeconds: {{ (delay_ms / 1000) | tojson }},
    root: document.documentElement,
  });
  const END_SECONDS = 0.05;
  // Where each player was last put by a switch: a jump to anywhere else is the listener's own.
  const handedOver = players.map(() => 0);
  let leader = 0;

  const isPlaying = () => !players[leader].paused;
  const position = () => players[leader].currentTime;

  function show() {
    timelines.show(position());
    clock.textContent = `${position().toFixed(2)} of ${seconds.toFixed(1)} s`;
    playButton.textContent = isPlaying() ? "Pause" : "Play";
    choices.forEach((choice, number) => choice.setAttribute("aria-pressed", String(number === leader)));
    rows.forEach((row, number) => row.classList.toggle("active", number === leader));
    if (isPlaying()) timelines.follow(views[leader], position());
  }

  function animate() {
    show();
    if (isPlaying()) requestAnimationFrame(animate);
  }

  function lead(number) {
    if (number === leader) return;
    const from = players[leader];
    const at = from.ended ? 0 : from.currentTime;
    from.pause();
    leader = number;
    handedOver[number] = at;
    players[number].currentTime = at;
  }

  function takeOver(number) {
    if (number === leader || Math.abs(players[number].currentTime - handedOver[number]) < 0.001) return;
    players[leader].pause();
    leader = number;
    show();
  }

  function play() {
    const player = players[leader];
    if (player.currentTime >= seconds - END_SECONDS) player.currentTime = 0;
    player.play();
  }

  function toggle() {
    if (isPlaying()) players[leader].pause();
    else play();
  }

  // A press on the scheme that leads already plays and pauses it.
  function choose(number) {
    if (number === leader) {
      toggle();
      return;
    }
    const wasPlaying = isPlaying();
    lead(number);
    if (wasPlaying) play();
    show();
  }

  function seek(number, event) {
    const at = timelines.secondsAt(event);
    const wasPlaying = isPlaying();
    lead(number);
    players[leader].currentTime = at;
    if (wasPlaying) play();
    show();
  }

  players.forEach((player, number) => {
    player.addEventListener("play", () => {
      // News of a player that a quick switch has paused again.
      if (player.paused) return;
      lead(number);
      animate();
    });
    player.addEventListener("seeking", () => takeOver(number));
    for (const event of ["pause", "ended", "seeked", "timeupdate"]) player.addEventListener(event, show);
  });
  views.forEach((view, number) => {
    view.firstElementChild.addEventListener("click", (event) => seek(number, event));
  });
  choices.forEach((choice, number) => choice.addEventListener("click", () => choose(number)));
  playButton.addEventListener("click", toggle);
  document.querySelector(".zoom-in").addEventListener("click", () => timelines.setZoom(timelines.zoom * 2, position()));
  document.querySelector(".zoom-out").addEventListener("click", () => timelines.setZoom(timelines.zoom / 2, position()));
  addEventListener("resize", () => timelines.keepZoom(position()));
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === " " && !event.target.closest("button, audio, a")) {
      event.preventDefault();
      toggle();
    }
    const number = Number(event.key) - 1;
    if (number !== leader && players[number]) choose(number);
  });

  document.querySelector(".transport").hidden = false;
  document.documentElement.classList.add("scripted");
  timelines.setFirstZoom();
  show();
})();
