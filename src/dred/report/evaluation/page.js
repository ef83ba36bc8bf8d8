class Stage {
  static GAP_MARGIN_SECONDS = 0.5;
  static STEP_SECONDS = 1;
  static lastUsed = null;

  constructor(section) {
    this.section = section;
    this.seconds = Number(section.dataset.seconds);
    this.gaps = JSON.parse(section.dataset.gaps);
    this.takes = [...section.querySelectorAll(".take")];
    this.views = this.takes.map((take) => take.querySelector(".view"));
    this.choices = [...section.querySelectorAll(".choices .choice")];
    this.letters = [...section.querySelectorAll(".letter")];
    this.playButton = this.find(".play");
    this.timelines = new Timelines({
      views: this.views,
      seconds: this.seconds,
      cellSeconds: Number(section.dataset.cellSeconds),
      delaySeconds: Number(section.dataset.delaySeconds),
      root: section,
    });
    this.player = new Player(this.takes.map((take) => take.querySelector("audio")), this.seconds, () => this.show());
    this.blind = null;
    this.letter = null;
    this.listenToPage();
    for (const part of section.querySelectorAll(".transport, .blind")) part.hidden = false;
    this.choose(Math.min(1, this.takes.length - 1));
  }

  find(selector) {
    return this.section.querySelector(selector);
  }

  listenToPage() {
    const { section } = this;
    const on = (selector, act) => this.find(selector)?.addEventListener("click", act);
    section.addEventListener("pointerdown", () => this.use());
    section.addEventListener("focusin", () => this.use());
    on(".play", () => this.toggle());
    on(".gap", () => this.loopNextGap());
    on(".whole", () => this.endLoop());
    on(".all", () => this.showAll());
    on(".zoom-in", () => this.timelines.setZoom(this.timelines.zoom * 2, this.player.position));
    on(".zoom-out", () => this.timelines.setZoom(this.timelines.zoom / 2, this.player.position));
    on(".begin", () => this.beginBlind());
    on(".finish", () => this.endBlind());
    this.choices.forEach((choice, number) => choice.addEventListener("click", () => this.choose(number)));
    this.letters.forEach((button) => button.addEventListener("click", () => this.hearLetter(button.dataset.letter)));
    for (const button of section.querySelectorAll(".vote")) {
      button.addEventListener("click", () => this.vote(button.dataset.letter));
    }
    this.views.forEach((view, number) => {
      view.firstElementChild.addEventListener("click", (event) => {
        if (!this.blind && number > 0) this.choose(number);
        this.seek(this.timelines.secondsAt(event));
      });
    });
  }

  // Keys go to the stage that was used last; only one plays.
  use() {
    if (Stage.lastUsed !== this) Stage.lastUsed?.pause();
    Stage.lastUsed = this;
  }

  show() {
    const { player } = this;
    this.timelines.show(player.position);
    this.find(".clock").textContent = `${player.position.toFixed(2)} of ${this.seconds.toFixed(1)} s`;
    this.playButton.textContent = player.isPlaying ? "Pause" : "Play";
    this.find(".whole").disabled = !player.loop;
    this.section.classList.toggle("looping", Boolean(player.loop));
    if (player.loop) {
      for (const region of this.section.querySelectorAll(".region")) {
        region.style.left = `${(100 * player.loop.start) / this.seconds}%`;
        region.style.width = `${(100 * (player.loop.end - player.loop.start)) / this.seconds}%`;
      }
    }
  }

  animate() {
    this.show();
    if (!this.player.isPlaying) return;
    this.timelines.follow(this.timelines.shownView(), this.player.position);
    requestAnimationFrame(() => this.animate());
  }

  async act(promise) {
    this.use();
    try {
      await promise;
    } catch {
      // The browser's own players may know more.
      this.section.classList.add("silent");
      this.find(".clock").textContent = "This browser cannot decode the sound here; use the players below.";
      return;
    }
    this.animate();
  }

  toggle() {
    if (this.player.isPlaying) this.pause();
    else this.act(this.player.play());
  }

  pause() {
    this.player.pause();
    this.show();
  }

  seek(seconds) {
    this.act(this.player.seek(seconds));
  }

  choose(number) {
    const scrollLeft = this.timelines.shownView().scrollLeft;
    this.player.hear(number);
    this.choices.forEach((choice, other) => choice.setAttribute("aria-pressed", String(other === number)));
    this.takes.forEach((take, other) => take.classList.toggle("active", other === number));
    this.views[number].scrollLeft = scrollLeft;
    this.show();
  }

  showAll() {
    const isAll = this.section.classList.toggle("everything");
    this.find(".all").setAttribute("aria-pressed", String(isAll));
  }

  // The gap behind the playhead, with its neighbours as far as they lie within what is heard around it.
  loopNextGap() {
    if (!this.gaps.length) return;
    const margin = Stage.GAP_MARGIN_SECONDS;
    const { loop } = this.player;
    const after = loop ? loop.end - margin : this.player.position;
    const [start, end] = this.gaps.find((gap) => gap[0] >= after - 1e-6) ?? this.gaps[0];
    this.act(
      this.player.repeat({ start: Math.max(0, start - margin), end: Math.min(this.seconds, end + margin) }),
    );
  }

  endLoop() {
    const at = this.player.position;
    const wasPlaying = this.player.isPlaying;
    this.pause();
    this.player.loop = null;
    this.player.offset = at;
    if (wasPlaying) this.act(this.player.play());
    else this.show();
  }

  beginBlind() {
    const [a, b] = ["a", "b"].map((letter) => Number(this.find(`.blind-${letter}`).value));
    if (a === b) {
      this.find(".tally").textContent = "A and B must differ.";
      return;
    }
    this.blind = new BlindTest(a, b);
    this.setBlinded(true);
    this.hearLetter("x");
    this.tell();
    if (!this.player.isPlaying) this.toggle();
  }

  setBlinded(isBlinded) {
    this.section.classList.toggle("blinded", isBlinded);
    this.find(".setup").hidden = isBlinded;
    this.find(".trial").hidden = !isBlinded;
  }

  hearLetter(letter) {
    this.letter = letter;
    this.player.hear(this.blind.takeOf(letter));
    this.letters.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.letter === letter)));
  }

  vote(letter) {
    this.blind.vote(letter);
    if (this.blind.isOver) {
      this.endBlind();
      return;
    }
    this.hearLetter("x");
    this.tell();
  }

  tell() {
    const [a, b] = ["a", "b"].map((letter) => this.takes[this.blind.takes[letter]].dataset.name);
    this.find(".tally").textContent =
      `A is ${a}, B is ${b}; X is one of them, drawn anew after each vote. Vote ${this.blind.votes + 1} of ${BlindTest.VOTES}.`;
  }

  endBlind() {
    const { blind } = this;
    this.blind = null;
    this.setBlinded(false);
    this.choose(blind.takes.a);
    this.find(".tally").textContent = blind.votes
      ? `${blind.right} of ${blind.votes} right. Who only guesses is right so often with a chance of ${blind.chance.toFixed(3)}.`
      : "";
  }

  // Whether the key meant something.
  press(key) {
    const number = /^[0-9]$/.test(key) ? Number(key) : -1;
    const steps = { ArrowLeft: -Stage.STEP_SECONDS, ArrowRight: Stage.STEP_SECONDS };
    if (key === " ") this.toggle();
    else if (key in steps) this.seek(this.player.position + steps[key]);
    else if (key === "g") this.loopNextGap();
    else if (key === "l") this.endLoop();
    else if (this.blind && "abx".includes(key)) this.hearLetter(key);
    else if (this.blind && (number === 1 || number === 2)) this.vote("ab"[number - 1]);
    else if (!this.blind && key === "v" && this.find(".all")) this.showAll();
    else if (!this.blind && this.takes[number]) this.choose(number);
    else return false;
    return true;
  }
}

(() => {
  document.documentElement.classList.add("scripted");
  const stages = [...document.querySelectorAll(".stage")].map((section) => new Stage(section));
  const listed = stages.filter((stage) => !stage.section.classList.contains("together"));
  const picker = document.querySelector(".picker");
  const select = picker?.querySelector("select");

  function pick(number) {
    const place = (number + listed.length) % listed.length;
    select.selectedIndex = place;
    listed.forEach((stage, other) => {
      if (other === place) return;
      if (stage.blind) stage.endBlind();
      stage.player.unload();
      stage.show();
      stage.section.hidden = true;
    });
    listed[place].section.hidden = false;
    listed[place].timelines.keepZoom(listed[place].player.position);
    listed[place].use();
  }

  if (listed.length) {
    for (const stage of stages) stage.timelines.setFirstZoom();
    picker.hidden = listed.length < 2;
    select.addEventListener("change", () => pick(select.selectedIndex));
    picker.querySelector(".previous").addEventListener("click", () => pick(select.selectedIndex - 1));
    picker.querySelector(".next").addEventListener("click", () => pick(select.selectedIndex + 1));
    pick(0);
  }
  if (stages.length) Stage.lastUsed = stages[0];

  addEventListener("resize", () => {
    for (const stage of stages) stage.timelines.keepZoom(stage.player.position);
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || !Stage.lastUsed) return;
    if (event.target.closest("select, audio")) return;
    if (event.key === " " && event.target.closest("button, a, summary")) return;
    if (event.key.startsWith("Arrow") && event.target.closest(".view, .table")) return;
    if (listed.length > 1 && (event.key === "n" || event.key === "p")) pick(select.selectedIndex + (event.key === "n" ? 1 : -1));
    else if (!Stage.lastUsed.press(event.key)) return;
    event.preventDefault();
  });
})();
