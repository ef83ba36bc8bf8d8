"use strict";
// The server says what is next; this page shows it, plays it to the end, and sends one answer.
(() => {
  const GAP_MS = 500;
  const find = (selector) => document.querySelector(selector);
  const sections = [...document.querySelectorAll("main > section")];
  const INTRODUCTIONS = {
    volume: ["Set the volume", "You will hear a recording. Set the volume so that you hear the voice well, and leave it like that until the end."],
    headphones: ["Are you wearing headphones?", "You will hear three tones at a time. Say which of them is the softest. It is hard without headphones."],
    training: ["Practice", "These recordings show you what is to come. Your answers to them do not count yet."],
    rated: ["Now it counts", "From here on it is the same, in earnest. Trust your first impression. Remember: if beeps interrupt the speech, choose the answer with their number."],
  };
  const STAGES = { volume: "Volume", headphones: "Headphones", training: "Practice", rated: "Recording" };
  const placeName = () => (state.places > 1 ? `${STAGES[state.stage]} ${state.place} of ${state.places}` : STAGES[state.stage]);
  const player = new Audio();
  let state = null;
  let sounds = [];
  let playing = -1;
  let plays = 0;
  let wasHeard = false;
  let isSending = false;
  // A step that was left behind must not go on playing or loading.
  let visit = 0;

  class Unreachable extends Error {}

  async function ask(path, body) {
    const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    let reply;
    try {
      reply = await fetch(path, { ...options, cache: "no-store" });
    } catch {
      throw new Unreachable("Is the connection still there?");
    }
    return reply;
  }

  async function askState(path, body) {
    const reply = await ask(path, body);
    const content = await reply.json().catch(() => ({}));
    if (reply.ok) return content;
    // Answered before, in another window perhaps: go on where this listener is.
    if (content.state) return content.state;
    throw new Unreachable(content.error ? `The test says: ${content.error}.` : "");
  }

  function show(name) {
    for (const section of sections) section.hidden = !section.classList.contains(name);
    scrollTo(0, 0);
    find(`.${name} h1`).focus();
  }

  function enter(next) {
    visit += 1;
    player.pause();
    state = next;
    const isUnderWay = state.stage in STAGES;
    find("progress").value = state.stage === "done" ? 1 : state.done || 0;
    find(".place").textContent = isUnderWay ? placeName() : "";
    if (state.method) document.documentElement.dataset.method = state.method;
    if (state.stage === "welcome") {
      find(".minutes").textContent = state.minutes;
      for (const method of ["acr", "ccr"]) find(`.welcome .${method}`).hidden = method !== state.method;
      show("welcome");
    } else if (state.stage === "done") {
      find(".rater").textContent = state.rater;
      show("done");
    } else if (state.place === 1) {
      [find(".introduction h1").textContent, find(".introduction p").textContent] = INTRODUCTIONS[state.stage];
      show("introduction");
    } else {
      judge();
    }
  }

  async function judge() {
    const here = visit;
    [plays, wasHeard, isSending, playing] = [0, false, false, -1];
    find(".judge h1").textContent = placeName();
    find(".question").textContent = state.question;
    find(".sounds").replaceChildren(
      ...state.audio.map((_, number) => {
        const box = document.createElement("div");
        box.className = "sound";
        box.append(state.audio.length > 1 ? ["First", "Second"][number] : "", document.createElement("i"));
        return box;
      }),
    );
    const answers = state.answers.map((text, place) => answerLabel(text, place + 1));
    find(".answers").replaceChildren(...(state.best_first ? answers.reverse() : answers));
    for (const address of sounds) URL.revokeObjectURL(address);
    sounds = [];
    update();
    show("judge");
    try {
      const loaded = await Promise.all(state.audio.map(load));
      if (here !== visit) return;
      sounds = loaded;
    } catch (error) {
      if (here === visit) tell(error);
      return;
    }
    update();
    play();
  }

  function answerLabel(text, number) {
    const label = document.createElement("label");
    const input = document.createElement("input");
    const key = document.createElement("kbd");
    Object.assign(input, { type: "radio", name: "answer", value: number });
    input.addEventListener("change", update);
    key.textContent = number;
    label.append(input, key, text);
    return label;
  }

  async function load(address) {
    const reply = await ask(address);
    if (!reply.ok) throw new Unreachable("A recording is missing.");
    return URL.createObjectURL(await reply.blob());
  }

  const chosen = () => find(".answers input:checked");

  function update() {
    find("fieldset").disabled = !wasHeard;
    find(".next").disabled = !wasHeard || !chosen() || isSending;
    find(".play").disabled = !sounds.length;
    find(".play").classList.toggle("playing", playing >= 0);
    find(".play .word").textContent = playing >= 0 ? "Playing" : plays ? "Again" : "Play";
    let hint = "";
    if (!sounds.length) hint = "Loading";
    else if (!wasHeard) hint = playing >= 0 ? "Listen to the end, then answer." : "Press play.";
    if (find(".hint").textContent !== hint) find(".hint").textContent = hint;
    [...find(".sounds").children].forEach((box, number) => box.classList.toggle("playing", number === playing));
  }

  function play() {
    if (!sounds.length || playing >= 0) return;
    for (const bar of document.querySelectorAll(".sound i")) bar.style.width = "0";
    playSound(0);
  }

  async function playSound(number) {
    const here = visit;
    playing = number;
    player.src = sounds[number];
    update();
    try {
      await player.play();
    } catch {
      // After a reload a browser wants a press first.
      if (here === visit) {
        playing = -1;
        update();
      }
    }
  }

  player.addEventListener("timeupdate", () => {
    const bar = find(".sounds").children[playing]?.querySelector("i");
    if (bar && player.duration) bar.style.width = `${(100 * player.currentTime) / player.duration}%`;
  });
  player.addEventListener("error", () => {
    if (playing >= 0) tell(new Unreachable("A recording cannot be played."));
  });
  // A headset's own button may pause: then it starts over.
  player.addEventListener("pause", () => {
    if (player.ended || playing < 0) return;
    playing = -1;
    update();
  });
  player.addEventListener("ended", () => {
    const here = visit;
    if (playing + 1 < sounds.length) {
      setTimeout(() => {
        if (here === visit) playSound(playing + 1);
      }, GAP_MS);
      return;
    }
    playing = -1;
    plays += 1;
    wasHeard = true;
    update();
  });

  async function send() {
    if (!wasHeard || !chosen() || isSending) return;
    isSending = true;
    update();
    try {
      enter(await askState("/votes", { step: state.step, answer: Number(chosen().value), plays: Math.min(plays, 10000) }));
    } catch (error) {
      tell(error);
    }
  }

  function tell(error) {
    visit += 1;
    playing = -1;
    player.pause();
    find(".reason").textContent = error instanceof Unreachable ? error.message : "";
    show("problem");
    if (!(error instanceof Unreachable)) throw error;
  }

  async function start() {
    for (const button of document.querySelectorAll(".start, .again")) button.disabled = true;
    try {
      enter(await askState("/raters", {}));
    } catch (error) {
      tell(error);
    } finally {
      for (const button of document.querySelectorAll(".start, .again")) button.disabled = false;
    }
  }

  async function resume() {
    try {
      enter(await askState("/state"));
    } catch (error) {
      tell(error);
    }
  }

  find(".start").addEventListener("click", start);
  find(".again").addEventListener("click", start);
  find(".retry").addEventListener("click", resume);
  find(".go-on").addEventListener("click", judge);
  find(".play").addEventListener("click", play);
  find(".next").addEventListener("click", send);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const section = sections.find((candidate) => !candidate.hidden);
    const isButton = event.target.closest("button");
    if (event.key === "Enter" && !isButton) {
      event.preventDefault();
      section?.querySelector("button.main:not(:disabled)")?.click();
    }
    if (!section?.classList.contains("judge")) return;
    if (event.key === " " && !isButton) {
      event.preventDefault();
      play();
    }
    const answer = /^\d$/.test(event.key) && !find("fieldset").disabled && find(`.answers input[value="${event.key}"]`);
    if (answer) {
      answer.checked = true;
      answer.focus();
      update();
    }
  });

  resume();
})();
