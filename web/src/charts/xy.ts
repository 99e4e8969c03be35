/** Scales of a small chart of points: pure. */

export interface Axis {
  min: number;
  max: number;
  isLog: boolean;
  ticks: number[];
}

/** From zero up to a round number above `highest`. */
export function linearAxis(highest: number, wanted = 4): Axis {
  const step = roundStep((highest > 0 ? highest : 1) / wanted);
  const steps = Math.max(1, Math.ceil((highest > 0 ? highest : 1) / step - 1e-9));
  return { min: 0, max: steps * step, isLog: false, ticks: Array.from({ length: steps + 1 }, (_, n) => n * step) };
}

/** Levels as they were chosen; logarithmic when they span a decade, so that doublings stand equally far apart. */
export function levelAxis(values: readonly number[]): Axis {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (low > 0 && high / low >= 8) {
    const distinct = [...new Set(values)].sort((one, other) => one - other);
    return { min: low, max: high, isLog: true, ticks: thinned(distinct, low, high) };
  }
  return linearAxis(high);
}

/** Where a value lies between the ends of an axis, 0 to 1. */
export function place(axis: Axis, value: number): number {
  if (axis.max === axis.min) return 0.5;
  return axis.isLog
    ? Math.log(value / axis.min) / Math.log(axis.max / axis.min)
    : (value - axis.min) / (axis.max - axis.min);
}

/** 1, 2, 2.5 or 5 times a power of ten, at least `least`. */
function roundStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const factor = [1, 2, 2.5, 5, 10].find((each) => each * power >= least - 1e-12) ?? 10;
  return factor * power;
}

/** Of the levels, those whose labels have room beside each other. */
function thinned(levels: readonly number[], low: number, high: number): number[] {
  const leastGap = Math.log(high / low) / 9;
  const kept: number[] = [];
  for (const level of levels) {
    const last = kept.at(-1);
    if (last === undefined || Math.log(level / last) >= leastGap) kept.push(level);
  }
  return kept;
}
