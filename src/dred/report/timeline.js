"use strict";
// Pictures over the same time, one below the other: they show one playhead, and widen and scroll in step.
class Timelines {
  static MAX_ZOOM = 64;

  // delaySeconds: how long before the start of the pictures the first packet starts; root bears the sizes for styles.
  constructor({ views, seconds, cellSeconds, delaySeconds, root }) {
    Object.assign(this, { views, seconds, cellSeconds, delaySeconds, root });
    this.playheads = views.map((view) => view.querySelector(".playhead"));
    this.zoom = 1;
    this.width = 0;
    for (const view of views) {
      view.addEventListener("scroll", () => {
        for (const other of views) if (other.scrollLeft !== view.scrollLeft) other.scrollLeft = view.scrollLeft;
      });
    }
  }

  shownView() {
    return this.views.find((view) => view.clientWidth) ?? this.views[0];
  }

  show(position) {
    const share = Math.min(1, position / this.seconds);
    for (const playhead of this.playheads) playhead.style.left = `${100 * share}%`;
  }

  follow(view, position) {
    const at = (position / this.seconds) * view.scrollWidth;
    if (at < view.scrollLeft || at > view.scrollLeft + view.clientWidth) view.scrollLeft = at - view.clientWidth / 10;
  }

  // Where in time a click on a picture points.
  secondsAt(event) {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * this.seconds;
  }

  setZoom(factor, position) {
    this.zoom = Math.min(Timelines.MAX_ZOOM, Math.max(1, factor));
    this.width = this.shownView().clientWidth;
    const cell = (this.width * this.zoom * this.cellSeconds) / this.seconds;
    this.root.style.setProperty("--zoom", this.zoom);
    this.root.style.setProperty("--cell", `${cell}px`);
    this.root.style.setProperty("--first-cell", `${(-this.delaySeconds / this.cellSeconds) * cell}px`);
    this.root.classList.toggle("cells", cell >= 4);
    for (const view of this.views) view.scrollLeft = (position / this.seconds) * view.scrollWidth - view.clientWidth / 2;
  }

  // Wide enough to tell packets apart on a narrow screen.
  setFirstZoom() {
    const packets = (1.2 * this.seconds) / this.cellSeconds;
    this.setZoom(2 ** Math.max(0, Math.ceil(Math.log2(packets / (this.shownView().clientWidth || 1)))), 0);
  }

  keepZoom(position) {
    const width = this.shownView().clientWidth;
    if (width && width !== this.width) this.setZoom(this.zoom, position);
  }
}
