"use strict";
// One position for all players: whichever plays leads, the others are paused and take over where it stands.
(() => {
  const rows = [...document.querySelectorAll("article")];
  const players = rows.map((row) => row.querySelector("audio"));
  const views = rows.map((row) => row.querySelector(".view"));
  const playheads = rows.map((row) => row.querySelector(".playhead"));
  const choices = [...document.querySelectorAll(".choice")];
  const playButton = document.querySelector(".play");
  const clock = document.querySelector(".clock");
  const seconds = {{ seconds | tojson }};
  const cellSeconds = {{ (packet_ms / 1000) | tojson }};
  const delaySeconds = {{ (delay_ms / 1000) | tojson }};
  const END_SECONDS = 0.05;
  const MAX_ZOOM = 64;
  // Where each player was last put by a switch: a jump to anywhere else is the listener's own.
  const handedOver = players.map(() => 0);
  let leader = 0;
  let zoom = 1;
  let width = 0;

  const isPlaying = () => !players[leader].paused;
  const position = () => players[leader].currentTime;

  function show() {
    const share = Math.min(1, position() / seconds);
    for (const playhead of playheads) playhead.style.left = `${100 * share}%`;
    clock.textContent = `${position().toFixed(2)} of ${seconds.toFixed(1)} s`;
    playButton.textContent = isPlaying() ? "Pause" : "Play";
    choices.forEach((choice, number) => choice.setAttribute("aria-pressed", String(number === leader)));
    rows.forEach((row, number) => row.classList.toggle("active", number === leader));
    if (isPlaying()) follow(share);
  }

  function follow(share) {
    const view = views[leader];
    const at = share * view.scrollWidth;
    if (at < view.scrollLeft || at > view.scrollLeft + view.clientWidth) view.scrollLeft = at - view.clientWidth / 10;
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
    const box = event.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    const wasPlaying = isPlaying();
    lead(number);
    players[leader].currentTime = share * seconds;
    if (wasPlaying) play();
    show();
  }

  function setZoom(factor) {
    const centre = position() / seconds;
    zoom = Math.min(MAX_ZOOM, Math.max(1, factor));
    width = views[0].clientWidth;
    const cell = (width * zoom * cellSeconds) / seconds;
    const root = document.documentElement;
    root.style.setProperty("--zoom", zoom);
    root.style.setProperty("--cell", `${cell}px`);
    root.style.setProperty("--first-cell", `${(-delaySeconds / cellSeconds) * cell}px`);
    root.classList.toggle("cells", cell >= 4);
    for (const view of views) view.scrollLeft = centre * view.scrollWidth - view.clientWidth / 2;
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
    view.addEventListener("scroll", () => {
      for (const other of views) if (other.scrollLeft !== view.scrollLeft) other.scrollLeft = view.scrollLeft;
    });
  });
  choices.forEach((choice, number) => choice.addEventListener("click", () => choose(number)));
  playButton.addEventListener("click", toggle);
  document.querySelector(".zoom-in").addEventListener("click", () => setZoom(zoom * 2));
  document.querySelector(".zoom-out").addEventListener("click", () => setZoom(zoom / 2));
  addEventListener("resize", () => {
    if (views[0].clientWidth !== width) setZoom(zoom);
  });
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
  // Start wide enough to tell packets apart on a narrow screen.
  setZoom(2 ** Math.max(0, Math.ceil(Math.log2((1.2 * seconds) / cellSeconds / views[0].clientWidth))));
  show();
})();
