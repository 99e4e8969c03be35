/** The one animation-frame loop: draws what has changed, each thing at most as often as it wants, and sleeps otherwise. */

const REDRAW_EVERY_MS = 100;
// Of scripts; what the browser then does with the pictures takes as long again. All charts of a long run in one frame
// took up to 70 ms, and whoever scrolls sees that; with this, 43 at most.
const FRAME_BUDGET_MS = 4;
// Far beyond what anything waits for, and far below what a timer can hold.
const LONGEST_NAP_MS = 10_000;

export interface Drawn {
  /** Whether there is something new to draw. */
  isDirty(): boolean;
  draw(): void;
  /** The least time between two drawings; a tenth of a second unless it says otherwise. */
  everyMs?(): number;
}

type Request = (callback: FrameRequestCallback) => unknown;
type Later = (callback: () => void, ms: number) => unknown;
type Clock = () => number;

export class FrameLoop {
  readonly #drawn = new Map<Drawn, number>();
  readonly #request: Request;
  readonly #later: Later;
  readonly #clock: Clock;
  #asked = false;
  #nap = 0;

  /** `request` is like `requestAnimationFrame`, `later` like `setTimeout`, `clock` like `performance.now`. */
  constructor(
    request: Request = (callback) => requestAnimationFrame(callback),
    later: Later = (callback, ms) => setTimeout(callback, ms),
    clock: Clock = () => performance.now(),
  ) {
    this.#request = request;
    this.#later = later;
    this.#clock = clock;
  }

  add(drawn: Drawn): () => void {
    this.#drawn.set(drawn, Number.NEGATIVE_INFINITY);
    this.wake();
    return () => this.#drawn.delete(drawn);
  }

  /** To be called when data has changed. In a tab that nobody sees no frame comes, so nothing is drawn there. */
  wake(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#request((now) => this.#frame(now));
  }

  /** Draws all that has changed, now. */
  flush(): void {
    for (const drawn of this.#drawn.keys()) if (drawn.isDirty()) drawn.draw();
  }

  #frame(now: number): void {
    this.#asked = false;
    let soonest = Number.POSITIVE_INFINITY;
    const due: Drawn[] = [];
    for (const [drawn, drawnAt] of this.#drawn) {
      if (!drawn.isDirty()) continue;
      const left = drawnAt + (drawn.everyMs?.() ?? REDRAW_EVERY_MS) - now;
      if (left <= 0) due.push(drawn);
      else soonest = Math.min(soonest, left);
    }
    if (this.#draw(due, now) < due.length) this.wake();
    // Asking for frames until then would cost sixty of them a second.
    else if (soonest <= LONGEST_NAP_MS) this.#sleep(soonest);
  }

  /** Draws what has waited longest, until the frame is full; answers how many. */
  #draw(due: Drawn[], now: number): number {
    due.sort((one, other) => (this.#drawn.get(one) ?? 0) - (this.#drawn.get(other) ?? 0));
    const begun = this.#clock();
    let number = 0;
    for (const drawn of due) {
      if (number > 0 && this.#clock() - begun >= FRAME_BUDGET_MS) break;
      this.#drawn.set(drawn, now);
      drawn.draw();
      number += 1;
    }
    return number;
  }

  #sleep(ms: number): void {
    this.#nap += 1;
    const mine = this.#nap;
    this.#later(() => {
      if (mine === this.#nap) this.wake();
    }, ms);
  }
}

export const frames = new FrameLoop();
