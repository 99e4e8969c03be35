/** Lines with bands, steps and dots over any two quantities, on a canvas: cumulative distributions, spectra, scatters. */

import { clipped, Layer } from "./layer";
import type { Found, LineSeries, LinesView, Values } from "./lines-view";
import { DASHES, lineProperty, resolveColour } from "./palette";
import { positionOf, type Scale, ticksOf, valueAt } from "./scales";
import type { Range } from "./shared";

interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

const MARGIN = { top: 8, right: 14, bottom: 36, left: 58 };
const NEAR_PX = 12;
const EVERY_MS = 30;

export class LinesPlot {
  readonly #canvas: HTMLCanvasElement;
  readonly #onFound: (found: Found | null) => void;
  #view: LinesView;
  #hidden: ReadonlySet<number> = new Set();
  #zoom: Range | null = null;
  #cursor: { left: number; top: number } | null = null;
  #dragFrom: number | null = null;
  #dirty = true;
  readonly #layer = new Layer();
  #colours: { lines: string[]; muted: string; grid: string; accent: string; font: string } | null = null;

  constructor(canvas: HTMLCanvasElement, view: LinesView, onFound: (found: Found | null) => void) {
    this.#canvas = canvas;
    this.#view = view;
    this.#onFound = onFound;
  }

  isDirty(): boolean {
    return this.#dirty;
  }

  show(view: LinesView, hidden: ReadonlySet<number>): void {
    this.#view = view;
    this.#hidden = hidden;
    this.#change();
  }

  recolour(): void {
    this.#colours = null;
    this.#change();
  }

  resized(): void {
    this.#change();
  }

  reset(): void {
    this.#zoom = null;
    this.#change();
  }

  /** The pointer is here (CSS pixels in the canvas), or has left. */
  point(at: { left: number; top: number } | null): void {
    this.#cursor = at;
    this.#dirty = true;
    this.#onFound(at ? this.#view.series.map((_, index) => this.#rowAt(index, at)) : null);
  }

  press(left: number): void {
    this.#dragFrom = left;
  }

  /** Ends a drag; true when it has zoomed. */
  release(left: number): boolean {
    const from = this.#dragFrom;
    this.#dragFrom = null;
    if (from === null || Math.abs(left - from) < 6) return false;
    const box = this.#box();
    const at = (x: number) => valueAt(this.#xScale(), Math.min(1, Math.max(0, (x - box.left) / box.width)));
    this.#zoom = { min: at(Math.min(left, from)), max: at(Math.max(left, from)) };
    this.#change();
    return true;
  }

  /** The dot under the pointer. */
  dotAt(at: { left: number; top: number }): number | null {
    for (const [index, series] of this.#view.series.entries()) {
      const row = series.kind === "dots" ? this.#rowAt(index, at) : null;
      if (row !== null) return series.ids?.[row] ?? null;
    }
    return null;
  }

  draw(): void {
    this.#dirty = false;
    const colours = this.#palette();
    const context = this.#layer.draw(this.#canvas, (picture) => this.#drawPicture(picture));
    if (!context) return;
    const box = this.#box();
    clipped(context, box, () => this.#drawCursor(context, box, colours));
  }

  /** The cursor follows the pointer. */
  everyMs(): number {
    return EVERY_MS;
  }

  #drawPicture(context: CanvasRenderingContext2D): void {
    const colours = this.#palette();
    const box = this.#box();
    this.#drawAxes(context, box, colours);
    clipped(context, box, () => {
      for (const [index, series] of this.#view.series.entries()) {
        if (!this.#hidden.has(index)) this.#drawSeries(context, series, index, colours.lines[series.colour % 8] ?? "");
      }
    });
  }

  #change(): void {
    this.#dirty = true;
    this.#layer.forget();
  }

  #palette() {
    const place = this.#canvas.parentElement ?? document.body;
    this.#colours ??= {
      lines: Array.from({ length: 8 }, (_, index) => resolveColour(place, lineProperty(index))),
      muted: resolveColour(place, "--muted"),
      grid: resolveColour(place, "--grid"),
      accent: resolveColour(place, "--accent"),
      font: `12px ${getComputedStyle(place).getPropertyValue("--font-number")}`,
    };
    return this.#colours;
  }

  #box(): Box {
    const { clientWidth, clientHeight } = this.#canvas;
    return {
      left: MARGIN.left,
      top: MARGIN.top,
      width: Math.max(20, clientWidth - MARGIN.left - MARGIN.right),
      height: Math.max(20, clientHeight - MARGIN.top - MARGIN.bottom),
    };
  }

  #xScale(): Scale {
    return this.#zoom ? { ...this.#view.x.scale, ...this.#zoom } : this.#view.x.scale;
  }

  #left(x: number): number {
    const box = this.#box();
    return box.left + positionOf(this.#xScale(), x) * box.width;
  }

  #top(y: number): number {
    const box = this.#box();
    return box.top + (1 - positionOf(this.#view.y.scale, y)) * box.height;
  }

  #drawAxes(context: CanvasRenderingContext2D, box: Box, colours: { muted: string; grid: string; font: string }): void {
    context.font = colours.font;
    context.fillStyle = colours.muted;
    context.strokeStyle = colours.grid;
    context.lineWidth = 1;
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const tick of ticksOf(this.#view.y.scale, Math.max(2, Math.floor(box.height / 40)))) {
      const top = Math.round(this.#top(tick)) + 0.5;
      stroke(context, [box.left, top], [box.left + box.width, top]);
      context.fillText(this.#view.y.write(tick), box.left - 6, top);
    }
    context.textAlign = "center";
    for (const tick of ticksOf(this.#xScale(), Math.max(2, Math.floor(box.width / 70)))) {
      const left = Math.round(this.#left(tick)) + 0.5;
      stroke(context, [left, box.top], [left, box.top + box.height]);
      context.fillText(this.#view.x.write(tick), left, box.top + box.height + 11);
    }
    context.fillText(this.#view.x.label, box.left + box.width / 2, box.top + box.height + 27);
  }

  #drawSeries(context: CanvasRenderingContext2D, series: LineSeries, order: number, colour: string): void {
    context.strokeStyle = colour;
    context.fillStyle = colour;
    if (series.kind === "dots") {
      context.globalAlpha = 0.55;
      for (const [row, x] of series.xs.entries()) {
        context.fillRect(this.#left(x) - 1.5, this.#top(series.ys[row] ?? 0) - 1.5, 3, 3);
      }
      context.globalAlpha = 1;
      return;
    }
    this.#drawBand(context, series);
    context.lineWidth = 1.5;
    context.setLineDash([...(DASHES[order % DASHES.length] ?? [])]);
    context.stroke(this.#path(series, series.ys));
    context.setLineDash([]);
  }

  #drawBand(context: CanvasRenderingContext2D, series: LineSeries): void {
    const { lows, highs } = series;
    if (!lows || !highs) return;
    const rows = series.xs.map((_, row) => row).filter((row) => lows[row] != null && highs[row] != null);
    const area = new Path2D();
    let before: number | null = null;
    const corner = (row: number, values: Values) => {
      const top = this.#top(values[row] ?? 0);
      if (series.kind === "step" && before !== null) area.lineTo(this.#left(series.xs[row] ?? 0), before);
      area.lineTo(this.#left(series.xs[row] ?? 0), top);
      before = top;
    };
    for (const row of rows) corner(row, highs);
    before = null;
    for (const row of rows.reverse()) {
      // Backwards a step comes before its corner.
      if (series.kind === "step" && before !== null) {
        const next = rows[rows.indexOf(row) - 1] ?? row;
        area.lineTo(this.#left(series.xs[next] ?? 0), this.#top(lows[row] ?? 0));
      }
      area.lineTo(this.#left(series.xs[row] ?? 0), this.#top(lows[row] ?? 0));
      before = 0;
    }
    area.closePath();
    context.globalAlpha = 0.16;
    context.fill(area);
    context.globalAlpha = 1;
  }

  #path(series: LineSeries, values: readonly number[]): Path2D {
    const path = new Path2D();
    let top: number | null = series.kind === "step" ? this.#top(this.#view.y.scale.min) : null;
    for (const [row, x] of series.xs.entries()) {
      const left = this.#left(x);
      if (series.kind === "step" && top !== null) path.lineTo(left, top);
      top = this.#top(values[row] ?? 0);
      path.lineTo(left, top);
    }
    if (series.kind === "step" && top !== null) path.lineTo(this.#left(this.#view.x.scale.max), top);
    return path;
  }

  #drawCursor(context: CanvasRenderingContext2D, box: Box, colours: { muted: string; accent: string }): void {
    const at = this.#cursor;
    if (!at) return;
    if (this.#dragFrom !== null) {
      context.fillStyle = colours.accent;
      context.globalAlpha = 0.15;
      context.fillRect(this.#dragFrom, box.top, at.left - this.#dragFrom, box.height);
      context.globalAlpha = 1;
    }
    context.strokeStyle = colours.muted;
    context.setLineDash([3, 3]);
    stroke(context, [at.left, box.top], [at.left, box.top + box.height]);
    context.setLineDash([]);
    for (const [index, series] of this.#view.series.entries()) {
      const row = this.#hidden.has(index) ? null : this.#rowAt(index, at);
      if (row === null) continue;
      context.beginPath();
      context.arc(this.#left(series.xs[row] ?? 0), this.#top(series.ys[row] ?? 0), 4, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  /** The row of a series at the pointer: of a line the last one that is not beyond it. */
  #rowAt(index: number, at: { left: number; top: number }): number | null {
    const series = this.#view.series[index];
    if (!series || series.xs.length === 0 || this.#hidden.has(index)) return null;
    if (series.kind === "dots") return this.#nearest(series, at);
    const box = this.#box();
    const x = valueAt(this.#xScale(), (at.left - box.left) / box.width);
    let low = 0;
    let high = series.xs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((series.xs[middle] ?? 0) <= x) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  #nearest(series: LineSeries, at: { left: number; top: number }): number | null {
    let nearest: number | null = null;
    let least = NEAR_PX ** 2;
    for (const [row, x] of series.xs.entries()) {
      const away = (this.#left(x) - at.left) ** 2 + (this.#top(series.ys[row] ?? 0) - at.top) ** 2;
      if (away >= least) continue;
      least = away;
      nearest = row;
    }
    return nearest;
  }
}

function stroke(context: CanvasRenderingContext2D, from: [number, number], to: [number, number]): void {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}
