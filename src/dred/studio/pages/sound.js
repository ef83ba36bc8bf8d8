"use strict";
// What is sent, from microphone or clip, and what comes back: a call with the studio.
class Problem extends Error {}

class Sound {
  constructor({ onMessage, onEnd, player }) {
    Object.assign(this, { onMessage, onEnd, player });
    this.context = null;
    this.peer = null;
    this.source = null;
    this.kind = null;
  }

  // A browser lets sound out only after a press.
  async open() {
    if (!this.context) {
      this.context = new AudioContext({ sampleRate: 48000 });
      this.sending = this.context.createMediaStreamDestination();
      this.sending.channelCount = 1;
      this.sentLevel = this.context.createAnalyser();
      this.heardLevel = this.context.createAnalyser();
      this.sentLevel.connect(this.sending);
    }
    await this.context.resume();
  }

  async startMicrophone() {
    await this.open();
    if (!navigator.mediaDevices) throw new Problem("This browser gives the microphone only to pages of this machine, or with https. Play a clip.");
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: false, autoGainControl: false } });
    } catch (error) {
      if (error.name === "NotAllowedError") throw new Problem("The page may not use the microphone. Allow it beside the address, or play a clip.");
      if (error.name === "NotFoundError") throw new Problem("There is no microphone. Play a clip.");
      throw new Problem("The microphone cannot be used. Does another program use it? Play a clip.");
    }
    this.use(this.context.createMediaStreamSource(stream), () => stream.getTracks().forEach((track) => track.stop()), "microphone");
    await this.call();
  }

  // Plays it over and over.
  async startClip(data) {
    await this.open();
    let buffer;
    try {
      buffer = await this.context.decodeAudioData(data);
    } catch {
      throw new Problem("This file cannot be played.");
    }
    const source = this.context.createBufferSource();
    Object.assign(source, { buffer, loop: true });
    source.start();
    this.use(source, () => source.stop(), "clip");
    await this.call();
  }

  use(source, end, kind) {
    this.leave();
    source.connect(this.sentLevel);
    Object.assign(this, { source, end, kind });
  }

  leave() {
    if (!this.source) return;
    this.end();
    this.source.disconnect();
    Object.assign(this, { source: null, kind: null });
  }

  async call() {
    if (this.peer) return;
    const peer = new RTCPeerConnection({ iceServers: [] });
    this.peer = peer;
    this.channel = peer.createDataChannel("studio");
    this.channel.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
    const opened = new Promise((resolve) => this.channel.addEventListener("open", resolve, { once: true }));
    const failed = new Promise((_, reject) => {
      peer.addEventListener("connectionstatechange", () => {
        if (this.peer !== peer || !["failed", "disconnected"].includes(peer.connectionState)) return;
        reject(new Problem("The studio cannot be reached. Is dred studio still running?"));
        this.stop("The studio cannot be reached. Is dred studio still running?");
      });
      setTimeout(() => reject(new Problem("The call does not come about. Does something block connections on this machine?")), 15000);
    });
    // Whoever waits no more need not hear of it.
    failed.catch(() => {});
    peer.addEventListener("track", (event) => this.hear(event));
    const sender = peer.addTrack(this.sending.stream.getAudioTracks()[0], this.sending.stream);
    try {
      await peer.setLocalDescription();
      await Sound.gathered(peer);
      const sdp = await Sound.ask(peer.localDescription.sdp);
      await peer.setRemoteDescription({ type: "answer", sdp });
      // The way to the studio shall cost nothing of the sound.
      const parameters = sender.getParameters();
      for (const encoding of parameters.encodings) encoding.maxBitrate = 128000;
      await sender.setParameters(parameters);
      await Promise.race([opened, failed]);
    } catch (error) {
      this.hangUp();
      throw error;
    }
  }

  static async ask(sdp) {
    let reply;
    try {
      reply = await fetch("/calls", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ sdp }) });
    } catch {
      throw new Problem("The studio cannot be reached. Is dred studio still running?");
    }
    const content = await reply.json().catch(() => ({}));
    if (!reply.ok) throw new Problem(`The studio says: ${content.error ?? reply.status}.`);
    return content.sdp;
  }

  static gathered(peer) {
    if (peer.iceGatheringState === "complete") return Promise.resolve();
    return new Promise((resolve) => {
      peer.addEventListener("icegatheringstatechange", () => peer.iceGatheringState === "complete" && resolve());
      setTimeout(resolve, 1000);
    });
  }

  hear({ streams, track }) {
    const stream = streams[0] ?? new MediaStream([track]);
    this.player.srcObject = stream;
    this.player.play().catch(() => {});
    this.returning?.disconnect();
    this.returning = this.context.createMediaStreamSource(stream);
    this.returning.connect(this.heardLevel);
  }

  take(message) {
    if (message.end) this.stop(`The call has ended: ${message.end}.`);
    else this.onMessage(message);
  }

  wish(wish) {
    if (this.channel?.readyState === "open") this.channel.send(JSON.stringify(wish));
  }

  // Root mean square of the last moment, 0 to 1.
  static level(analyser) {
    if (!analyser) return 0;
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
  }

  hangUp() {
    const peer = this.peer;
    this.leave();
    [this.peer, this.channel] = [null, null];
    this.returning?.disconnect();
    this.player.srcObject = null;
    peer?.close();
  }

  stop(reason = "") {
    if (!this.peer && !this.source) return;
    this.hangUp();
    this.onEnd(reason);
  }
}
