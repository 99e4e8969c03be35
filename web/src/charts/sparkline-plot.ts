/** The last minute as a line under a big number: no axes, the newest value at the right edge. */

import { resolveColour } from "./palette";
import type { Ring } from "./ring";

const LONGEST_S = 60;
const SHORTEST_S = 10;
const EVERY_MS = 500;

export class SparklinePlot<Column extends string> {
  readonly #canvas: HTMLCanvasElement;
  readonly #ring: Ring<Column>;
  readonly #column: Column;
  #drawnVersion = -1;
  #colour = "";
  #size = { width: 0, height: 0 };
  #context: CanvasRenderingContext2D | null = null;

  constructor(canvas: HTMLCanvasElement, ring: Ring<Column>, column: Column) {
    this.#canvas = canvas;
    this.#ring = ring;
    this.#column = column;
    this.recolour();
  }

  isDirty(): boolean {
    return this.#drawnVersion !== this.#ring.version;
  }

  /** A second is a pixel or two of its sixty. */
  everyMs(): number {
    return EVERY_MS;
  }

  /** In CSS pixels. Told, because asking for it would lay the page out in the middle of a frame. */
  resize(width: number, height: number): void {
    this.#size = { width, height };
    this.#drawnVersion = -1;
  }

  recolour(): void {
    this.#colour = resolveColour(this.#canvas.parentElement ?? document.body, "--line-1");
    this.#drawnVersion = -1;
  }

  draw(): void {
    this.#drawnVersion = this.#ring.version;
    const ratio = devicePixelRatio || 1;
    const width = Math.round(this.#size.width * ratio);
    const height = Math.round(this.#size.height * ratio);
    // Asking a canvas for another size, even for the same one, gives it new memory.
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#context ??= this.#canvas.getContext("2d");
    const context = this.#context;
    if (!context || width === 0) return;
    context.clearRect(0, 0, width, height);
    context.strokeStyle = this.#colour;
    context.fillStyle = this.#colour;
    context.lineWidth = 1.25 * ratio;
    context.lineJoin = "round";
    for (const stretch of this.#stretches(width, height, ratio)) {
      const line = new Path2D();
      for (const [left, top] of stretch) line.lineTo(left, top);
      context.stroke(line);
      line.lineTo(stretch.at(-1)?.[0] ?? 0, height);
      line.lineTo(stretch[0]?.[0] ?? 0, height);
      context.globalAlpha = 0.12;
      context.fill(line);
      context.globalAlpha = 1;
    }
  }

  /** The points to join, in stretches without a gap; from zero at the bottom to the highest value at the top. */
  #stretches(width: number, height: number, inset: number): [number, number][][] {
    const xs = this.#ring.x();
    const ys = this.#ring.y(this.#column);
    const last = this.#ring.lastX ?? 0;
    const span = Math.min(LONGEST_S, Math.max(SHORTEST_S, last - (xs[0] ?? 0)));
    const start = last - span;
    // From the end: the last minute is there, however long the run is.
    let first = xs.length;
    while (first > 0 && (xs[first - 1] ?? 0) >= start) first -= 1;
    if (first === xs.length) return [];
    const highest = highestOf(ys.subarray(first)) || 1;
    const stretches: [number, number][][] = [];
    let isOpen = false;
    for (let row = first; row < xs.length; row += 1) {
      const y = ys[row] ?? Number.NaN;
      if (Number.isNaN(y)) {
        isOpen = false;
        continue;
      }
      if (!isOpen) stretches.push([]);
      isOpen = true;
      const left = (((xs[row] ?? 0) - start) / span) * width;
      stretches.at(-1)?.push([left, height - inset - (y / highest) * (height - 2 * inset)]);
    }
    return stretches;
  }
}

/** The highest value, 0 when there is none; gaps do not count. */
function highestOf(values: Float64Array): number {
  let highest = 0;
  for (const value of values) if (value > highest) highest = value;
  return highest;
}
