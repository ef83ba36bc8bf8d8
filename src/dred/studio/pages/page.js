"use strict";
// The controls: what is sent, where the sliders are, what is heard; and the pictures of it.
(() => {
  const find = (selector) => document.querySelector(selector);
  const settings = JSON.parse(find("#settings").textContent);
  const rows = [...document.querySelectorAll(".scheme")];
  const schemes = rows.map((row) => row.dataset.scheme);
  const radios = rows.map((row) => row.querySelector("input"));
  const sliders = [...document.querySelectorAll(".slider input")];
  const preset = find('[name="network"]');
  const starters = [...document.querySelectorAll("[data-source]")];
  const timeline = new Timeline(settings, schemes);
  const pictures = new Pictures(timeline);
  const sound = new Sound({ player: find("audio"), onMessage, onEnd });
  const STATUS = { microphone: "You are heard over a bad network.", clip: "The clip is heard over a bad network." };
  const NUMBERS_MS = 400;
  const LEVELS_MS = 60;
  let lastStart = null;
  let numbersAt = 0;
  let isDrawing = false;

  const chosen = () => radios.find((radio) => radio.checked).value;

  function tell(text) {
    if (find(".status").textContent !== text) find(".status").textContent = text;
  }

  function update() {
    for (const starter of starters) starter.setAttribute("aria-pressed", String(starter.dataset.source === sound.kind));
    find(".stop").disabled = !sound.kind;
  }

  async function start(begin) {
    lastStart = begin;
    find(".problem").hidden = true;
    for (const button of document.querySelectorAll(".buttons button")) button.disabled = true;
    tell("Connecting …");
    try {
      if (!sound.peer) timeline.clear();
      await begin();
      sendAll();
      tell(STATUS[sound.kind]);
    } catch (error) {
      complain(error instanceof Problem ? error.message : `Something went wrong: ${error.message}`);
    } finally {
      for (const button of document.querySelectorAll(".buttons button")) button.disabled = false;
      update();
    }
  }

  const startMicrophone = () => sound.startMicrophone();

  async function startClip() {
    let reply;
    try {
      reply = await fetch("/clip");
    } catch {
      throw new Problem("The studio cannot be reached. Is dred studio still running?");
    }
    await sound.startClip(await reply.arrayBuffer());
  }

  function complain(reason) {
    find(".reason").textContent = reason;
    find(".problem").hidden = false;
    tell("Nothing is sent.");
  }

  function onEnd(reason) {
    if (reason) complain(reason);
    else tell("Stopped.");
    update();
  }

  function network() {
    if (preset.value) return { network: preset.value };
    return Object.fromEntries(sliders.map((slider) => [slider.name, Number(slider.value)]));
  }

  // A named network does more than sliders can say: they show what they know of it, to start from.
  function showNetwork() {
    const named = settings.networks[preset.value];
    find(".network .title").textContent = named ? named.title : "";
    for (const slider of sliders) {
      if (named) slider.value = named[slider.name];
      slider.closest("label").querySelector("output").textContent = named ? Number(named[slider.name].toPrecision(3)) : slider.value;
    }
  }

  function sendAll() {
    sound.wish({ scheme: chosen() });
    sound.wish(network());
  }

  function onMessage(message) {
    timeline.add(message, chosen());
    if (isDrawing) return;
    isDrawing = true;
    requestAnimationFrame(() => {
      isDrawing = false;
      draw();
    });
  }

  function draw() {
    pictures.lost(find("canvas.lost"));
    rows.forEach((row, number) => pictures.strip(row.querySelector("canvas"), schemes[number]));
    pictures.columns(find("canvas.spoken"), timeline.spoken);
    pictures.columns(find("canvas.heard"), timeline.heard);
    pictures.delays(find(".delays"), chosen());
    pictures.bitrates(find(".rates"), chosen());
    // Numbers that change all the time cannot be read.
    if (performance.now() - numbersAt < NUMBERS_MS) return;
    numbersAt = performance.now();
    showNumbers();
  }

  const rateText = (rates) => `${Math.round(rates.reduce((sum, rate) => sum + rate, 0))} kb/s`;
  const delayText = (delay) => (delay === null ? "" : `${Math.round(delay)} ms`);

  function showNumbers() {
    const { lost, all, longestMs } = timeline.losses();
    find(".loss").textContent = all ? `${((100 * lost) / all).toFixed(0)} % lost, longest burst ${longestMs} ms` : "–";
    rows.forEach((row, number) => {
      const name = schemes[number];
      const { lost: gone, repaired } = timeline.repairs(name);
      row.querySelector(".repaired").textContent = gone ? `${Math.round((100 * repaired) / gone)} % repaired` : "–";
      row.querySelector(".repaired").title = `${repaired} of ${gone} lost packets repaired`;
      row.querySelector(".delay").textContent = delayText(timeline.delay(name));
      row.querySelector(".rate").textContent = rateText(timeline.meanRates(name));
    });
    const rates = timeline.meanRates(chosen());
    const parts = ["Opus", "RED", "DRED"].map((label, part) => [label, Math.round(rates[part])]).filter(([, rate]) => rate);
    find(".delay-now").textContent = delayText(timeline.delay(chosen()));
    find(".rate-now").textContent = parts.map(([label, rate]) => `${label} ${rate}`).join(" + ") + " kb/s";
  }

  function showLevels() {
    // Speech at its usual level fills about half of the bar.
    find("meter.sent").value = Math.min(1, 4 * Sound.level(sound.sentLevel));
    find("meter.heard").value = sound.peer ? Math.min(1, 4 * Sound.level(sound.heardLevel)) : 0;
  }

  find('[data-source="microphone"]').addEventListener("click", () => start(startMicrophone));
  find('[data-source="clip"]').addEventListener("click", () => start(startClip));
  find(".own").addEventListener("click", () => find('input[type="file"]').click());
  find('input[type="file"]').addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) start(async () => sound.startClip(await file.arrayBuffer()));
    event.target.value = "";
  });
  find(".stop").addEventListener("click", () => sound.stop());
  find(".retry").addEventListener("click", () => start(lastStart ?? startClip));
  for (const radio of radios) radio.addEventListener("change", () => sound.wish({ scheme: chosen() }));
  for (const slider of sliders) {
    slider.addEventListener("input", () => {
      preset.value = "";
      showNetwork();
      sound.wish(network());
    });
  }
  preset.addEventListener("change", () => {
    showNetwork();
    sound.wish(network());
  });
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const radio = radios[Number(event.key) - 1];
    if (/^\d$/.test(event.key) && radio) {
      radio.checked = true;
      radio.focus();
      sound.wish({ scheme: chosen() });
    }
    if (event.key === " " && !event.target.closest("button, input, select")) {
      event.preventDefault();
      if (sound.kind) sound.stop();
      else start(startClip);
    }
  });
  addEventListener("resize", draw);
  addEventListener("pagehide", () => sound.stop());

  update();
  showNetwork();
  draw();
  setInterval(showLevels, LEVELS_MS);
})();
