/** One uPlot over one ring: synchronised cursor and zoom, redrawn by the frame loop. The only importer of uPlot. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { DurationScale } from "../ui/numbers";
import { type Key, type Point, rowAfter } from "./keys";
import { DASHES, lineProperty, resolveColour } from "./palette";
import type { Ring } from "./ring";
import { type Range, sameRange, zoomOf } from "./shared";
import { type Band, type ChartSpec, scaleFor, writeTick, writeTime } from "./spec";

const LEAST_HEIGHT_PX = 200;
const SOONEST_MS = 100;
const LATEST_MS = 5_000;
const OUTSIDE: Point = { left: -10, top: -10 };
// A chart of a run's first seconds shows this much time, so that it does not stretch with every point.
const SHORTEST_SPAN_S = 10;

export interface PlotHooks {
  /** The row under the cursor (null: the newest), and the unit in force. */
  onCursor(row: number | null): void;
}

type Nullable = (number | null)[];

export class Plot<Column extends string> {
  readonly #spec: ChartSpec<Column>;
  readonly #ring: Ring<Column>;
  readonly #hooks: PlotHooks;
  readonly #element: HTMLElement;
  readonly #sync: string;
  readonly #hidden = new Set<Column>();
  #uplot: uPlot;
  #drawnVersion = -1;
  #zoomed = false;
  #bands: readonly Band[] = [];
  #leftScale: DurationScale | null = null;
  readonly #columns: Nullable[] = [];
  readonly #observer: ResizeObserver;

  constructor(element: HTMLElement, spec: ChartSpec<Column>, ring: Ring<Column>, sync: string, hooks: PlotHooks) {
    this.#element = element;
    this.#spec = spec;
    this.#ring = ring;
    this.#sync = sync;
    this.#hooks = hooks;
    this.#uplot = this.#build();
    this.#observer = new ResizeObserver(() => {
      const width = element.clientWidth;
      const height = heightOf(element);
      if (width > 0 && (width !== this.#uplot.width || height !== this.#uplot.height)) {
        this.#uplot.setSize({ width, height });
      }
    });
    this.#observer.observe(element);
  }

  /** The unit of the left axis, null when it measures no duration. */
  get leftScale(): DurationScale | null {
    return this.#leftScale;
  }

  isDirty(): boolean {
    return this.#drawnVersion !== this.#ring.version;
  }

  /** Of two hours a pixel is a dozen seconds: what comes within one waits for the next, but not for long. */
  everyMs(): number {
    const { min, max } = this.#uplot.scales.x ?? {};
    const pixelMs = (1000 * ((max ?? 0) - (min ?? 0))) / Math.max(1, this.#uplot.width);
    return Math.min(LATEST_MS, Math.max(SOONEST_MS, pixelMs));
  }

  draw(): void {
    this.#drawnVersion = this.#ring.version;
    const data = this.#data();
    const { min, max } = this.#uplot.scales.x ?? {};
    const kept = this.#zoomed && min !== undefined && max !== undefined ? { min, max } : null;
    this.#uplot.setData(data, false);
    // Said outright: left to itself uPlot shows a single point on an axis of 100 seconds.
    this.#uplot.setScale("x", kept ?? zoomOf(this.#sync).peek() ?? whole(this.#uplot));
    this.#hooks.onCursor(this.#uplot.cursor.idx ?? null);
  }

  /** Shows this stretch; everything when there is none. */
  zoom(range: Range | null): void {
    const { min, max } = this.#uplot.scales.x ?? {};
    if (range && min === range.min && max === range.max) return;
    if (!range && !this.#zoomed) return;
    this.#uplot.setScale("x", range ?? whole(this.#uplot));
  }

  /** Moves the cursor as a key asks for, here and in the charts beside it; false when the key means nothing. */
  press(key: Key): boolean {
    const u = this.#uplot;
    const { min, max } = u.scales.x ?? {};
    const xs = u.data[0];
    const first = xs.findIndex((x) => x >= (min ?? x));
    const last = xs.findLastIndex((x) => x <= (max ?? x));
    if (first < 0 || last < first) return false;
    const row = rowAfter(key, u.cursor.idx ?? null, first, last);
    if (row === undefined) return false;
    // Off the drawing is nowhere. The third argument is for the charts that share it.
    const to = row === null ? OUTSIDE : { left: u.valToPos(xs[row] ?? 0, "x"), top: 1 };
    (u.setCursor as (at: Point, fires: boolean, tells: boolean) => void)(to, true, true);
    return true;
  }

  show(column: Column, visible: boolean): void {
    if (visible) this.#hidden.delete(column);
    else this.#hidden.add(column);
    const index = this.#spec.series.findIndex((series) => series.column === column);
    if (index >= 0) this.#uplot.setSeries(index + 1, { show: visible });
  }

  /** Shades stretches of time, behind the lines. */
  shade(bands: readonly Band[]): void {
    if (bands.length === 0 && this.#bands.length === 0) return;
    this.#bands = bands;
    this.#uplot.redraw(false);
  }

  /** Builds the canvas anew with the colours of the theme now in force. */
  recolour(): void {
    this.#uplot.destroy();
    this.#uplot = this.#build();
    this.#drawnVersion = -1;
    this.draw();
  }

  destroy(): void {
    this.#observer.disconnect();
    this.#uplot.destroy();
  }

  #data(): uPlot.AlignedData {
    const durations = this.#spec.series.filter((series) => series.axis === "left");
    this.#leftScale = scaleFor(this.#spec.left.measure, this.#values(durations.map((series) => series.column)));
    const columns = this.#spec.series.map((series, index) => nullable(this.#ring.y(series.column), this.#kept(index)));
    return [nullable(this.#ring.x(), this.#kept(columns.length)) as number[], ...columns];
  }

  /** The array that a column is written into, redraw after redraw: two hours of points are no garbage every second. */
  #kept(index: number): Nullable {
    this.#columns[index] ??= [];
    return this.#columns[index];
  }

  *#values(columns: readonly Column[]): Iterable<number> {
    for (const column of columns) yield* this.#ring.y(column);
  }

  #drawBands(u: uPlot, fill: string): void {
    const { left, top, width, height } = u.bbox;
    const within = (value: number) => Math.min(left + width, Math.max(left, u.valToPos(value, "x", true)));
    u.ctx.save();
    u.ctx.fillStyle = fill;
    for (const band of this.#bands) {
      const from = within(band.from);
      u.ctx.fillRect(from, top, within(band.to) - from, height);
    }
    u.ctx.restore();
  }

  #build(): uPlot {
    const colour = (property: string) => resolveColour(this.#element, property);
    const muted = colour("--muted");
    const band = colour("--band");
    const grid = { stroke: colour("--grid"), width: 1 };
    const font = `12px ${getComputedStyle(this.#element).getPropertyValue("--font-number")}`;
    const axis = { stroke: muted, font, ticks: { show: false }, gap: 4 };
    const duration = () => this.#leftScale;
    const axes: uPlot.Axis[] = [
      {
        ...axis,
        grid,
        size: 24,
        space: 64,
        values: (_, ticks) => ticks.map(writeTime),
        incrs: [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200, 86400],
      },
      {
        ...axis,
        grid,
        scale: "left",
        size: widthOf,
        space: 32,
        values: (_, ticks) => ticks.map((tick) => writeTick(tick, duration())),
      },
    ];
    if (this.#spec.right) {
      const values = (_: uPlot, ticks: number[]) => ticks.map((tick) => writeTick(tick, null));
      axes.push({ ...axis, grid: { show: false }, scale: "right", side: 1, size: widthOf, space: 32, values });
    }
    const options: uPlot.Options = {
      width: Math.max(this.#element.clientWidth, 200),
      height: heightOf(this.#element),
      legend: { show: false },
      padding: [8, this.#spec.right ? 0 : 24, 0, 0],
      cursor: {
        sync: { key: this.#sync, setSeries: false },
        drag: { x: true, y: false, setScale: true },
        points: { size: 6 },
        y: false,
      },
      scales: {
        x: { time: false, range: span },
        left: { range: fromZero },
        right: { range: fromZero },
      },
      axes,
      series: [
        {},
        ...this.#spec.series.map((series, order) => ({
          label: series.label,
          scale: series.axis,
          stroke: colour(lineProperty(series.colour)),
          dash: [...(DASHES[order % DASHES.length] ?? [])],
          width: 1.5,
          show: !this.#hidden.has(series.column),
          points: { show: true, size: 4, filter: isolated },
          spanGaps: false,
        })),
      ],
      hooks: {
        drawClear: [(u) => this.#drawBands(u, band)],
        setCursor: [(u) => this.#hooks.onCursor(u.cursor.idx ?? null)],
        setScale: [
          (u, key) => {
            if (key !== "x") return;
            this.#zoomed = isZoomed(u);
            const { min, max } = u.scales.x ?? {};
            const range = this.#zoomed && min !== undefined && max !== undefined ? { min, max } : null;
            const zoom = zoomOf(this.#sync);
            if (!sameRange(range, zoom.peek())) zoom.value = range;
          },
        ],
      },
    };
    const plot = new uPlot(options, this.#data(), this.#element);
    this.#drawnVersion = this.#ring.version;
    return plot;
  }
}

/** The x range for data from `min` to `max`: as given, and never less than the shortest span unless zoomed in. */
function span(u: uPlot, min: number | null, max: number | null): uPlot.Range.MinMax {
  const { first, last } = extent(u);
  if (min !== null && max !== null && (min > first || max < last)) return [min, max];
  const all = whole(u);
  return [all.min, all.max];
}

/** The range of everything there is. */
function whole(u: uPlot): { min: number; max: number } {
  const { first, last } = extent(u);
  return { min: first, max: Math.max(last, first + SHORTEST_SPAN_S) };
}

/** Points that no line shows, because there is nothing on either side of them. */
function isolated(u: uPlot, series: number): number[] {
  const values = u.data[series] ?? [];
  const found: number[] = [];
  for (let row = 0; row < values.length; row += 1) {
    if (values[row] != null && values[row - 1] == null && values[row + 1] == null) found.push(row);
  }
  return found;
}

/** Whether the x axis shows less than the data that is drawn. */
function isZoomed(u: uPlot): boolean {
  const { min, max } = u.scales.x ?? {};
  const { first, last } = extent(u);
  return min !== undefined && max !== undefined && (min > first || max < last);
}

function extent(u: uPlot): { first: number; last: number } {
  const xs = u.data[0];
  return { first: xs[0] ?? 0, last: xs[xs.length - 1] ?? 0 };
}

function nullable(values: Float64Array, into: Nullable): Nullable {
  into.length = values.length;
  for (let row = 0; row < values.length; row += 1) {
    const value = values[row] ?? Number.NaN;
    into[row] = Number.isNaN(value) ? null : value;
  }
  return into;
}

/** In full screen a chart fills it. */
function heightOf(element: HTMLElement): number {
  return Math.max(LEAST_HEIGHT_PX, element.clientHeight);
}

/** Axes start at zero: a latency axis that does not would make small changes look large. */
function fromZero(_: uPlot, __: number | null, max: number | null): uPlot.Range.MinMax {
  return [0, max === null || max <= 0 ? 1 : max * 1.08];
}

/** An axis as wide as its longest label, measured roughly: 12 px figures are 7.3 px wide. */
function widthOf(_: uPlot, values: string[] | null): number {
  const longest = Math.max(3, ...(values ?? []).map((value) => value.length));
  return Math.ceil(longest * 7.3) + 10;
}
