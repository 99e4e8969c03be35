/** The one animation-frame loop: draws what has changed, each thing at most ten times a second, and sleeps otherwise. */

const REDRAW_EVERY_MS = 100;

export interface Drawn {
  /** Whether there is something new to draw. */
  isDirty(): boolean;
  draw(): void;
}

export class FrameLoop {
  readonly #drawn = new Map<Drawn, number>();
  readonly #request: (callback: FrameRequestCallback) => number;
  #running = false;

  constructor(request: (callback: FrameRequestCallback) => number = (callback) => requestAnimationFrame(callback)) {
    this.#request = request;
  }

  add(drawn: Drawn): () => void {
    this.#drawn.set(drawn, Number.NEGATIVE_INFINITY);
    this.wake();
    return () => this.#drawn.delete(drawn);
  }

  /** To be called when data has changed. */
  wake(): void {
    if (this.#running) return;
    this.#running = true;
    this.#request((now) => this.#frame(now));
  }

  #frame(now: number): void {
    let waiting = false;
    for (const [drawn, drawnAt] of this.#drawn) {
      if (!drawn.isDirty()) continue;
      if (now - drawnAt >= REDRAW_EVERY_MS) {
        this.#drawn.set(drawn, now);
        drawn.draw();
      } else {
        waiting = true;
      }
    }
    this.#running = waiting;
    if (waiting) this.#request((next) => this.#frame(next));
  }
}

export const frames = new FrameLoop();
