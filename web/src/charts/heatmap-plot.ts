/** Counts by time and latency as a picture: the more, the stronger; the latency axis is logarithmic. */

import { clipped, Layer } from "./layer";
import { resolveColour } from "./palette";
import { positionOf, ticksOf } from "./scales";
import type { Range } from "./shared";
import { type Band, writeTime } from "./spec";

export interface HeatmapData {
  from_s: number;
  width_s: number;
  columns: number;
  edges_ms: readonly number[];
  column: readonly number[];
  row: readonly number[];
  count: readonly number[];
}

export interface HeatCell {
  from_s: number;
  to_s: number;
  low_ms: number;
  high_ms: number;
  count: number;
}

const MARGIN = { top: 8, right: 24, bottom: 24, left: 58 };
const SHORTEST_SPAN_S = 10;
const CURSOR_MS = 30;
const SOONEST_MS = 100;
const LATEST_MS = 5_000;

export class HeatmapPlot {
  readonly #canvas: HTMLCanvasElement;
  #data: HeatmapData;
  #span: Range = { min: 0, max: SHORTEST_SPAN_S };
  #zoom: Range | null = null;
  #bands: readonly Band[] = [];
  #write: (ms: number) => string;
  #cursor: number | null = null;
  #dragFrom: number | null = null;
  #dirty = true;
  #isMoved = false;
  readonly #layer = new Layer();
  #counts = new Map<number, number>();
  #highest = 1;
  #colours: { ink: string; muted: string; grid: string; band: string; accent: string; font: string } | null = null;

  constructor(canvas: HTMLCanvasElement, data: HeatmapData, write: (ms: number) => string) {
    this.#canvas = canvas;
    this.#data = data;
    this.#write = write;
  }

  isDirty(): boolean {
    return this.#dirty || this.#isMoved;
  }

  /** The cursor follows the pointer; new cells of a long run can wait. */
  everyMs(): number {
    const { min, max } = this.#range();
    const pixelMs = (1000 * (max - min)) / Math.max(1, this.#canvas.width);
    return this.#isMoved ? CURSOR_MS : Math.min(LATEST_MS, Math.max(SOONEST_MS, pixelMs));
  }

  show(data: HeatmapData, span: Range, bands: readonly Band[], write: (ms: number) => string): void {
    this.#data = data;
    this.#span = { min: span.min, max: Math.max(span.max, span.min + SHORTEST_SPAN_S) };
    this.#bands = bands;
    this.#write = write;
    this.#counts = new Map(data.count.map((count, cell) => [this.#key(data.column[cell], data.row[cell]), count]));
    this.#highest = data.count.reduce((most, count) => Math.max(most, count), 1);
    this.#dirty = true;
    this.#layer.forget();
  }

  zoom(range: Range | null): void {
    this.#zoom = range;
    this.#change();
  }

  recolour(): void {
    this.#colours = null;
    this.#change();
  }

  touch(): void {
    this.#change();
  }

  press(left: number): void {
    this.#dragFrom = left;
  }

  /** Ends a drag: the stretch of time that it chose. */
  release(left: number): Range | null {
    const from = this.#dragFrom;
    this.#dragFrom = null;
    if (from === null || Math.abs(left - from) < 6) return null;
    return { min: this.#timeAt(Math.min(left, from)), max: this.#timeAt(Math.max(left, from)) };
  }

  /** The cell under the pointer; null outside of the drawing. */
  point(at: { left: number; top: number } | null): HeatCell | null {
    this.#cursor = at?.left ?? null;
    this.#isMoved = true;
    const { from_s, width_s, edges_ms } = this.#data;
    if (!at || edges_ms.length < 2) return null;
    const { top, height } = this.#box();
    const column = Math.floor((this.#timeAt(at.left) - from_s) / width_s);
    const row = Math.floor((1 - (at.top - top) / height) * (edges_ms.length - 1));
    if (row < 0 || row >= edges_ms.length - 1 || column < 0 || column >= this.#data.columns) return null;
    return {
      from_s: from_s + column * width_s,
      to_s: from_s + (column + 1) * width_s,
      low_ms: edges_ms[row] ?? 0,
      high_ms: edges_ms[row + 1] ?? 0,
      count: this.#counts.get(this.#key(column, row)) ?? 0,
    };
  }

  draw(): void {
    this.#dirty = this.#isMoved = false;
    const colours = this.#palette();
    const context = this.#layer.draw(this.#canvas, (picture) => this.#drawPicture(picture));
    if (!context) return;
    clipped(context, this.#box(), () => this.#drawCursor(context, colours));
  }

  /** By the one who looks: it does not wait. */
  #change(): void {
    this.#isMoved = true;
    this.#layer.forget();
  }

  #drawPicture(context: CanvasRenderingContext2D): void {
    const colours = this.#palette();
    const box = this.#box();
    this.#drawAxes(context, colours);
    clipped(context, box, () => {
      context.fillStyle = colours.band;
      for (const band of this.#bands) {
        const from = this.#left(band.from);
        context.fillRect(from, box.top, this.#left(band.to) - from, box.height);
      }
      this.#drawCells(context, colours.ink);
    });
  }

  #drawCells(context: CanvasRenderingContext2D, ink: string): void {
    const { column, row, count, from_s, width_s, edges_ms } = this.#data;
    const { left: side, top, width, height } = this.#box();
    const { min, max } = this.#range();
    const tall = height / Math.max(1, edges_ms.length - 1);
    context.fillStyle = ink;
    const most = Math.log1p(this.#highest);
    const wide = (width * width_s) / Math.max(max - min, 1e-9);
    for (let cell = 0; cell < count.length; cell += 1) {
      const left = side + ((from_s + (column[cell] ?? 0) * width_s - min) / (max - min)) * width;
      if (left > side + width || left + wide < side) continue;
      // By the logarithm, so that a single outlier is seen beside thousands; never fainter than can be seen.
      context.globalAlpha = 0.14 + 0.86 * (Math.log1p(count[cell] ?? 0) / most);
      context.fillRect(
        left,
        top + height - ((row[cell] ?? 0) + 1) * tall,
        Math.max(1, wide - 0.5),
        Math.max(1, tall - 0.5),
      );
    }
    context.globalAlpha = 1;
  }

  #drawAxes(context: CanvasRenderingContext2D, colours: { muted: string; grid: string; font: string }): void {
    const { left, top, width, height } = this.#box();
    const low = this.#data.edges_ms[0];
    const high = this.#data.edges_ms.at(-1);
    context.font = colours.font;
    context.fillStyle = colours.muted;
    context.strokeStyle = colours.grid;
    context.textBaseline = "middle";
    if (low !== undefined && high !== undefined) {
      const scale = { kind: "log", min: low, max: high } as const;
      context.textAlign = "right";
      for (const tick of ticksOf(scale, 5)) {
        const at = Math.round(top + (1 - positionOf(scale, tick)) * height) + 0.5;
        context.beginPath();
        context.moveTo(left, at);
        context.lineTo(left + width, at);
        context.stroke();
        context.fillText(this.#write(tick), left - 6, at);
      }
    }
    context.textAlign = "center";
    const range = this.#range();
    const scale = { kind: "linear", ...range } as const;
    for (const tick of timeTicks(range, Math.max(2, Math.floor(width / 80)))) {
      context.fillText(writeTime(tick), left + positionOf(scale, tick) * width, top + height + 12);
    }
  }

  #drawCursor(context: CanvasRenderingContext2D, colours: { muted: string; accent: string }): void {
    if (this.#cursor === null) return;
    const { top, height } = this.#box();
    if (this.#dragFrom !== null) {
      context.fillStyle = colours.accent;
      context.globalAlpha = 0.2;
      context.fillRect(this.#dragFrom, top, this.#cursor - this.#dragFrom, height);
      context.globalAlpha = 1;
    }
    context.strokeStyle = colours.muted;
    context.beginPath();
    context.moveTo(this.#cursor, top);
    context.lineTo(this.#cursor, top + height);
    context.stroke();
  }

  #palette() {
    const place = this.#canvas.parentElement ?? document.body;
    this.#colours ??= {
      ink: resolveColour(place, "--line-1"),
      muted: resolveColour(place, "--muted"),
      grid: resolveColour(place, "--grid"),
      band: resolveColour(place, "--band"),
      accent: resolveColour(place, "--accent"),
      font: `12px ${getComputedStyle(place).getPropertyValue("--font-number")}`,
    };
    return this.#colours;
  }

  #box() {
    const { clientWidth, clientHeight } = this.#canvas;
    return {
      left: MARGIN.left,
      top: MARGIN.top,
      width: Math.max(20, clientWidth - MARGIN.left - MARGIN.right),
      height: Math.max(20, clientHeight - MARGIN.top - MARGIN.bottom),
    };
  }

  #range(): Range {
    return this.#zoom ?? this.#span;
  }

  #left(seconds: number): number {
    const { left, width } = this.#box();
    return left + positionOf({ kind: "linear", ...this.#range() }, seconds) * width;
  }

  #timeAt(pixel: number): number {
    const { left, width } = this.#box();
    const { min, max } = this.#range();
    return min + Math.min(1, Math.max(0, (pixel - left) / width)) * (max - min);
  }

  #key(column = 0, row = 0): number {
    return column * 1024 + row;
  }
}

const STEPS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400];

function timeTicks({ min, max }: Range, wanted: number): number[] {
  const step = STEPS_S.find((each) => (max - min) / each <= wanted) ?? 86400;
  const ticks: number[] = [];
  for (let at = Math.ceil(min / step) * step; at <= max; at += step) ticks.push(at);
  return ticks;
}
