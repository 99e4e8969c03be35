/** Axes of the charts over other quantities than time: linear, logarithmic, and percentiles by their nines. Pure. */

export type ScaleKind = "linear" | "log" | "nines";

export interface Scale {
  readonly kind: ScaleKind;
  readonly min: number;
  readonly max: number;
}

const NINES = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999];

/** Percent → how many nines: 0, 1 at 90 %, 2 at 99 %. */
export function nines(percentile: number): number {
  return -Math.log10(1 - Math.min(percentile, 99.999999999) / 100);
}

function linearised(kind: ScaleKind, value: number): number {
  if (kind === "log") return Math.log10(value);
  return kind === "nines" ? nines(value) : value;
}

/** Where a value lies between the ends, 0 to 1. */
export function positionOf(scale: Scale, value: number): number {
  const low = linearised(scale.kind, scale.min);
  const high = linearised(scale.kind, scale.max);
  return high === low ? 0.5 : (linearised(scale.kind, value) - low) / (high - low);
}

/** The value at a position; the way back of `positionOf`. */
export function valueAt(scale: Scale, position: number): number {
  const low = linearised(scale.kind, scale.min);
  const high = linearised(scale.kind, scale.max);
  const at = low + position * (high - low);
  if (scale.kind === "log") return 10 ** at;
  return scale.kind === "nines" ? 100 * (1 - 10 ** -at) : at;
}

/** Round values to write at the axis, about `wanted`. */
export function ticksOf(scale: Scale, wanted: number): number[] {
  const inside = (value: number) => value >= scale.min * (1 - 1e-9) && value <= scale.max * (1 + 1e-9);
  if (scale.kind === "nines") return NINES.filter(inside);
  if (scale.kind === "log") return logTicks(scale, wanted).filter(inside);
  return linearTicks(scale, wanted);
}

function linearTicks({ min, max }: Scale, wanted: number): number[] {
  if (!(max > min)) return [min];
  const least = (max - min) / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(least));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * power >= least - 1e-12) ?? 10) * power;
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, number) => (first + number) * step);
}

function logTicks(scale: Scale, wanted: number): number[] {
  const decades = Math.log10(scale.max / scale.min);
  const factors = decades <= wanted / 3 ? [1, 2, 5] : [1];
  const first = Math.floor(Math.log10(scale.min));
  const last = Math.ceil(Math.log10(scale.max));
  const every = Math.max(1, Math.ceil(decades / Math.max(1, wanted)));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += every) {
    for (const factor of factors) ticks.push(factor * 10 ** power);
  }
  return ticks;
}

/** Whether values span so much that only a logarithmic axis shows the small ones. */
export function wantsLog(low: number, high: number): boolean {
  return low > 0 && high / low > 20;
}
