/** What a chart shows, in words: the drawing code decides how. */

import { clock, type DurationScale, durationScale, inScale, MISSING, significant } from "../ui/numbers";

/** How an axis writes its values; duration axes change unit as a whole. */
export type Measure = "duration" | "rate" | "count";

export interface SeriesSpec<Column extends string = string> {
  column: Column;
  label: string;
  /** Which of the eight series colours, from 0. */
  colour: number;
  /** The measure of its axis; a chart has at most two. */
  axis: "left" | "right";
  /** Shown after the value in the legend when the axis has no unit of its own. */
  unit?: string;
}

export interface ChartSpec<Column extends string = string> {
  title: string;
  left: { measure: Measure; label: string };
  right?: { measure: Measure; label: string };
  series: readonly SeriesSpec<Column>[];
}

/** A stretch of the x axis, in its unit. */
export interface Band {
  readonly from: number;
  readonly to: number;
}

/** Elapsed seconds on the x axis. */
export function writeTime(seconds: number): string {
  return clock(seconds);
}

/** The duration unit that suits the values, or null when the measure is no duration. */
export function scaleFor(measure: Measure, values: Iterable<number>): DurationScale | null {
  return measure === "duration" ? durationScale(values) : null;
}

/** A value of an axis, without its unit. Counts are means over a second, so they may have a fraction. */
export function writeValue(
  value: number | null | undefined,
  measure: Measure | undefined,
  scale: DurationScale | null,
): string {
  if (value === null || value === undefined || Number.isNaN(value)) return MISSING;
  if (scale) return inScale(value, scale);
  if (measure !== "count") return significant(value);
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 1 : 0 });
}

/** Ticks: as `writeValue`, but without zeros that carry nothing. */
export function writeTick(value: number, scale: DurationScale | null): string {
  const shown = value * (scale?.factor ?? 1);
  return shown.toLocaleString("en-US", { maximumSignificantDigits: 4 });
}
