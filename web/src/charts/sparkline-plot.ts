/** A sixty-second line under a big number: no axes, the newest value at the right edge. */

import { resolveColour } from "./palette";
import type { Ring } from "./ring";

const SPAN_S = 60;

export class SparklinePlot<Column extends string> {
  readonly #canvas: HTMLCanvasElement;
  readonly #ring: Ring<Column>;
  readonly #column: Column;
  #drawnVersion = -1;
  #colour = "";

  constructor(canvas: HTMLCanvasElement, ring: Ring<Column>, column: Column) {
    this.#canvas = canvas;
    this.#ring = ring;
    this.#column = column;
    this.recolour();
  }

  isDirty(): boolean {
    return this.#drawnVersion !== this.#ring.version;
  }

  recolour(): void {
    this.#colour = resolveColour(this.#canvas.parentElement ?? document.body, "--line-1");
    this.#drawnVersion = -1;
  }

  draw(): void {
    this.#drawnVersion = this.#ring.version;
    const ratio = devicePixelRatio || 1;
    const width = Math.round(this.#canvas.clientWidth * ratio);
    const height = Math.round(this.#canvas.clientHeight * ratio);
    this.#canvas.width = width;
    this.#canvas.height = height;
    const context = this.#canvas.getContext("2d");
    if (!context || width === 0) return;
    context.strokeStyle = this.#colour;
    context.lineWidth = 1.25 * ratio;
    context.lineJoin = "round";
    context.stroke(this.#path(width, height, ratio));
  }

  #path(width: number, height: number, ratio: number): Path2D {
    const path = new Path2D();
    const xs = this.#ring.x();
    const ys = this.#ring.y(this.#column);
    const end = this.#ring.lastX ?? 0;
    const start = end - SPAN_S;
    let highest = 0;
    for (let row = 0; row < xs.length; row += 1) {
      if ((xs[row] ?? 0) >= start) highest = Math.max(highest, ys[row] || 0);
    }
    const inset = ratio;
    let isPenDown = false;
    for (let row = 0; row < xs.length; row += 1) {
      const x = xs[row] ?? 0;
      const y = ys[row] ?? Number.NaN;
      if (x < start || Number.isNaN(y)) {
        isPenDown = false;
        continue;
      }
      const left = ((x - start) / SPAN_S) * width;
      const top = height - inset - (highest > 0 ? y / highest : 0) * (height - 2 * inset);
      if (isPenDown) path.lineTo(left, top);
      else path.moveTo(left, top);
      isPenDown = true;
    }
    return path;
  }
}
