// All takes of a clip run together and in step; one of them is heard. So switching changes nothing but what is heard.
class Player {
  static context = null;
  static RAMP_SECONDS = 0.008;
  static START_SECONDS = 0.03;

  constructor(audios, seconds, onEnd) {
    Object.assign(this, { audios, seconds, onEnd });
    this.buffers = null;
    this.voices = [];
    this.offset = 0;
    this.startedAt = 0;
    this.loop = null;
    this.heard = 0;
    this.isWanted = false;
    this.isLoading = false;
  }

  get isPlaying() {
    return this.voices.length > 0;
  }

  get position() {
    if (!this.isPlaying) return this.offset;
    const at = this.offset + Math.max(0, Player.context.currentTime - this.startedAt);
    if (!this.loop || at < this.loop.end) return Math.min(at, this.seconds);
    return this.loop.start + ((at - this.loop.start) % (this.loop.end - this.loop.start));
  }

  // Decode once; the sound lies in the page itself.
  async load() {
    Player.context ??= new AudioContext();
    await Player.context.resume();
    this.buffers ??= await Promise.all(
      this.audios.map((audio) => {
        const text = atob(audio.src.slice(audio.src.indexOf(",") + 1));
        const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
        return Player.context.decodeAudioData(bytes.buffer);
      }),
    );
  }

  // Give the memory back.
  unload() {
    this.pause();
    this.buffers = null;
  }

  async play() {
    this.isWanted = true;
    if (this.isPlaying || this.isLoading) return;
    this.isLoading = true;
    try {
      await this.load();
    } catch (error) {
      this.isWanted = false;
      throw error;
    } finally {
      this.isLoading = false;
    }
    // Decoding takes a while: the listener may have gone.
    if (!this.isWanted) return;
    if (this.offset >= this.seconds - 0.02) this.offset = this.loop ? this.loop.start : 0;
    this.startedAt = Player.context.currentTime + Player.START_SECONDS;
    this.voices = this.buffers.map((buffer, number) => {
      const source = new AudioBufferSourceNode(Player.context, { buffer });
      const gain = new GainNode(Player.context, { gain: number === this.heard ? 1 : 0 });
      if (this.loop) Object.assign(source, { loop: true, loopStart: this.loop.start, loopEnd: this.loop.end });
      source.connect(gain).connect(Player.context.destination);
      source.start(this.startedAt, this.offset);
      return { source, gain };
    });
    const voices = this.voices;
    voices[0].source.onended = () => {
      if (this.voices !== voices) return;
      this.pause();
      this.offset = 0;
      this.onEnd();
    };
  }

  pause() {
    this.isWanted = false;
    this.offset = this.position;
    for (const { source, gain } of this.voices) {
      source.onended = null;
      source.stop();
      gain.disconnect();
    }
    this.voices = [];
  }

  async seek(seconds) {
    const wasWanted = this.isWanted;
    this.pause();
    this.offset = Math.min(Math.max(0, seconds), this.seconds);
    if (this.loop && (this.offset < this.loop.start || this.offset >= this.loop.end)) this.loop = null;
    if (wasWanted) await this.play();
  }

  async repeat(loop) {
    const wasWanted = this.isWanted;
    this.pause();
    this.loop = loop;
    if (loop) this.offset = loop.start;
    if (wasWanted) await this.play();
  }

  hear(number) {
    this.heard = number;
    this.voices.forEach(({ gain }, other) => {
      gain.gain.setTargetAtTime(other === number ? 1 : 0, Player.context.currentTime, Player.RAMP_SECONDS / 3);
    });
  }
}
