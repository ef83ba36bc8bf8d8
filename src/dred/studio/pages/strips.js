"use strict";
// The last ten seconds of all schemes, packet by packet, and their pictures: one canvas column range per packet.
class Timeline {
  static HEIGHTS = { received: 0.35, plc: 0.75 };
  static REPAIRS = ["red", "lbrr", "dred"];

  constructor(settings, schemes) {
    this.settings = settings;
    this.schemes = schemes;
    this.size = Math.round(10000 / settings.blockMs);
    this.clear();
  }

  clear() {
    this.newest = -1;
    this.lost = new Map();
    this.spoken = new Map();
    this.heard = new Map();
    this.sources = Object.fromEntries(this.schemes.map((name) => [name, new Map()]));
    this.delays = Object.fromEntries(this.schemes.map((name) => [name, new Map()]));
    this.rates = Object.fromEntries(this.schemes.map((name) => [name, new Map()]));
    this.heardAt = null;
  }

  get first() {
    return this.newest - this.size + 1;
  }

  // A message brings some steps, and what became of every scheme over all of them.
  add(message, chosen) {
    const { blockMs } = this.settings;
    const shift = Math.round(((message.schemes[chosen].delay_ms ?? blockMs) - blockMs) / blockMs);
    for (const step of message.steps) {
      this.newest = step.number;
      this.lost.set(step.number, step.lost);
      this.spoken.set(step.number, Timeline.levels(step.spoken));
      this.putHeard(step.number - shift, Timeline.levels(step.heard));
    }
    const ms = message.steps.length * blockMs;
    for (const name of this.schemes) {
      const found = message.schemes[name];
      for (const [number, source] of found.sources) this.sources[name].set(number, source);
      if (found.delay_ms !== null) this.delays[name].set(this.newest, found.delay_ms);
      const rates = found.bytes.map((bytes) => (8 * bytes) / ms);
      for (const step of message.steps) this.rates[name].set(step.number, rates);
    }
    this.forget();
  }

  // Playing faster leaves columns out of the picture, which their successor fills.
  putHeard(number, column) {
    const from = this.heardAt !== null && number > this.heardAt && number < this.heardAt + 10 ? this.heardAt + 1 : number;
    for (let at = from; at <= number; at += 1) this.heard.set(at, column);
    this.heardAt = number;
  }

  forget() {
    const all = [this.lost, this.spoken, this.heard, ...[this.sources, this.delays, this.rates].flatMap(Object.values)];
    for (const map of all) {
      for (const number of map.keys()) {
        if (number >= this.first) break;
        map.delete(number);
      }
    }
  }

  static levels(text) {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  }

  // Only of packets whose time has been played, so that all schemes count the same ones as far as they are.
  repairs(name) {
    const counts = { lost: 0, repaired: 0 };
    for (const [number, source] of this.sources[name]) {
      // Received although lost: the scheme without losses.
      if (!this.lost.get(number) || source === "received") continue;
      counts.lost += 1;
      counts.repaired += Timeline.REPAIRS.includes(source);
    }
    return counts;
  }

  losses() {
    let [lost, run, longest] = [0, 0, 0];
    for (const isLost of this.lost.values()) {
      run = isLost ? run + 1 : 0;
      lost += isLost;
      longest = Math.max(longest, run);
    }
    return { lost, all: this.lost.size, longestMs: longest * this.settings.blockMs };
  }

  // The mean of the last second.
  meanRates(name) {
    const recent = [...this.rates[name]].filter(([number]) => number > this.newest - 1000 / this.settings.blockMs);
    return [0, 1, 2].map((part) => recent.reduce((sum, [, rates]) => sum + rates[part], 0) / Math.max(1, recent.length));
  }

  delay(name) {
    return [...this.delays[name].values()].at(-1) ?? null;
  }
}

// Draws a timeline; colours come from the page's styles.
class Pictures {
  constructor(timeline) {
    this.timeline = timeline;
    const { rows, palette } = timeline.settings;
    this.spectrogram = Object.assign(document.createElement("canvas"), { width: timeline.size, height: rows });
    this.image = new ImageData(timeline.size, rows);
    // A dot's four bytes at once, in the order that this machine has them.
    this.palette = new Uint32Array(Uint8Array.from(palette.flatMap((colour) => [...colour, 255])).buffer);
    this.readColours();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.readColours());
  }

  readColours() {
    const style = getComputedStyle(document.documentElement);
    this.colours = new Map();
    this.colour = (name) => {
      if (!this.colours.has(name)) this.colours.set(name, style.getPropertyValue(`--${name}`).trim());
      return this.colours.get(name);
    };
  }

  // A canvas as sharp as the screen, measured in the page's pixels.
  open(canvas) {
    const scale = devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const pen = canvas.getContext("2d");
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const cell = width / this.timeline.size;
    // Edges on the screen's own dots: colours stay what they are, however narrow a packet is.
    const edge = (number) => Math.round((number - this.timeline.first) * cell * scale) / scale;
    const bar = (number, end, top, bottom) => pen.fillRect(edge(number), top, Math.max(1 / scale, edge(end) - edge(number)), bottom - top);
    return { pen, width, height, cell, bar };
  }

  lost(canvas) {
    const { pen, width, height, bar } = this.open(canvas);
    pen.fillStyle = this.colour("line");
    pen.fillRect(0, height - 1, width, 1);
    pen.fillStyle = this.colour("ink");
    for (const [number, isLost] of this.timeline.lost) if (isLost) bar(number, number + 1, 0, height);
  }

  // What was received lies below, so that a repair is seen even where a dot is wider than a packet.
  strip(canvas, name) {
    const { pen, height, bar } = this.open(canvas);
    const { timeline } = this;
    for (const isRepair of [false, true]) {
      for (const [source, number, end] of Pictures.runs(timeline.sources[name])) {
        if ((source !== "received") !== isRepair) continue;
        pen.fillStyle = this.colour(source);
        bar(number, end, Math.round(height * (1 - (Timeline.HEIGHTS[source] ?? 1))), height);
      }
    }
  }

  // Equal neighbours as one.
  static runs(sources) {
    const found = [];
    for (const [number, source] of sources) {
      const last = found.at(-1);
      if (last?.[0] === source && last[2] === number) last[2] = number + 1;
      else found.push([source, number, number + 1]);
    }
    return found;
  }

  columns(canvas, columns) {
    const { pen, width, height } = this.open(canvas);
    const { timeline, spectrogram } = this;
    const { rows } = timeline.settings;
    const dots = new Uint32Array(this.image.data.buffer);
    for (let x = 0; x < timeline.size; x += 1) {
      const levels = columns.get(timeline.first + x);
      for (let y = 0; y < rows; y += 1) dots[y * timeline.size + x] = this.palette[levels ? levels[y] : 0];
    }
    spectrogram.getContext("2d").putImageData(this.image, 0, 0);
    pen.drawImage(spectrogram, 0, 0, width, height);
  }

  axis(frame, top, unit) {
    const { pen, width, height } = frame;
    pen.strokeStyle = this.colour("line");
    pen.fillStyle = this.colour("dim");
    pen.font = "11px system-ui, sans-serif";
    pen.lineWidth = 1;
    for (const value of [0, top / 2, top]) {
      const y = Math.round((height - 2) * (1 - value / top)) + 0.5;
      pen.beginPath();
      pen.moveTo(0, y);
      pen.lineTo(width, y);
      pen.stroke();
      if (value) this.label(pen, `${value} ${unit}`, y + 12);
    }
  }

  // With a rim, so that it can be read on any ground.
  label(pen, text, y) {
    pen.save();
    pen.lineWidth = 3;
    pen.lineJoin = "round";
    pen.strokeStyle = this.colour("paper");
    pen.strokeText(text, 3, y);
    pen.restore();
    pen.fillText(text, 3, y);
  }

  y(frame, value, top) {
    return (frame.height - 2) * (1 - Math.min(value, top) / top) + 0.5;
  }

  delays(canvas, chosen) {
    const frame = this.open(canvas);
    const { timeline } = this;
    const highest = Math.max(...Object.values(timeline.delays).flatMap((delays) => [...delays.values()]), 0);
    const top = highest > 400 ? 800 : highest > 200 ? 400 : 200;
    for (const name of [...timeline.schemes.filter((other) => other !== chosen), chosen]) {
      frame.pen.strokeStyle = this.colour(name === chosen ? "accent" : "received");
      frame.pen.lineWidth = name === chosen ? 2 : 1.25;
      frame.pen.beginPath();
      for (const [number, delay] of timeline.delays[name]) frame.pen.lineTo((number - timeline.first + 1) * frame.cell, this.y(frame, delay, top));
      frame.pen.stroke();
    }
    this.axis(frame, top, "ms");
  }

  // Opus at the bottom, on it RED and DRED.
  bitrates(canvas, chosen) {
    const frame = this.open(canvas);
    const { timeline } = this;
    const highest = Math.max(...[...timeline.rates[chosen].values()].map((rates) => rates.reduce((sum, rate) => sum + rate, 0)), 0);
    const top = highest > 80 ? 160 : 80;
    for (const [number, rates] of timeline.rates[chosen]) {
      let sum = 0;
      rates.forEach((rate, part) => {
        const [low, high] = [this.y(frame, sum, top), this.y(frame, sum + rate, top)];
        frame.pen.fillStyle = this.colour(["received", "red", "dred"][part]);
        frame.bar(number, number + 1, high, low);
        sum += rate;
      });
    }
    this.axis(frame, top, "kb/s");
  }
}
