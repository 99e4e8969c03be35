/** Differences as numbers of a table and as places of a forest plot: pure. */

import type { ComparedDifference, ComparedEstimate, ComparedFigure, ComparisonVerdict } from "../../api/types";
import type { Tone } from "../../ui/Badge";
import type { IconName } from "../../ui/icons";
import { dollars, type Maybe, MISSING, percent, significant } from "../../ui/numbers";

export interface Change {
  low: number | null;
  middle: number;
  high: number | null;
}

/** As a share of the baseline; of shares themselves, as a difference. Null where neither is known. */
export function changeOf(figure: ComparedFigure, found: ComparedDifference): Change | null {
  if (found.ratio != null && found.ratio_interval) {
    const [low, high] = found.ratio_interval;
    return { low: low == null ? null : low - 1, middle: found.ratio - 1, high: high == null ? null : high - 1 };
  }
  if (figure.unit === "" && found.difference != null && found.interval) {
    return { low: found.interval[0] ?? null, middle: found.difference, high: found.interval[1] ?? null };
  }
  return null;
}

const REACHES = [0.05, 0.1, 0.2, 0.5, 1, 2, 5];

/** How far a plot reaches to either side: nine of ten ends are inside. */
export function reachOf(changes: readonly (Change | null)[]): number {
  const sizes = changes
    .flatMap((change) => (change ? [change.low, change.middle, change.high] : []))
    .filter((value): value is number => value != null)
    .map(Math.abs)
    .sort((one, other) => one - other);
  const largest = sizes[Math.floor(0.9 * (sizes.length - 1))] ?? 0.1;
  return REACHES.find((reach) => reach >= largest) ?? 5;
}

export function writeQuantity(value: Maybe, unit: string): string {
  if (value == null) return MISSING;
  if (unit === "$") return dollars(value);
  if (unit === "") return percent(value);
  return `${significant(value)} ${unit}`;
}

export function writeEstimate(number: ComparedEstimate | null | undefined, unit: string): string {
  if (!number) return MISSING;
  if (number.needs_n) return `n ≥ ${number.needs_n.toLocaleString("en-US")}`;
  return writeQuantity(number.value, unit);
}

/** "12.3 … 14.5", with ? for an end that the samples do not allow; null without either. */
export function writeInterval(interval: readonly (number | null)[] | null | undefined, factor = 1): string | null {
  if (!interval || interval.every((end) => end == null)) return null;
  return interval.map((end) => (end == null ? "?" : significant(end * factor))).join(" … ");
}

export function signed(value: number, digits = 3): string {
  const sign = value > 0 ? "+" : value < 0 ? "−" : "±";
  return `${sign}${significant(Math.abs(value), digits)}`;
}

/** "−13.4 %", or percentage points of shares, or the bare difference. */
export function writeChange(figure: ComparedFigure, found: ComparedDifference): string {
  if (found.ratio != null) return `${signed(100 * (found.ratio - 1))} %`;
  if (found.difference == null) return MISSING;
  return figure.unit === "" ? `${signed(100 * found.difference)} points` : `${signed(found.difference)} ${figure.unit}`;
}

export function writeChangeInterval(figure: ComparedFigure, found: ComparedDifference): string | null {
  const change = changeOf(figure, found);
  if (!change) return writeInterval(found.interval);
  if (change.low == null && change.high == null) return null;
  const [low, high] = [change.low, change.high].map((end) => (end == null ? "?" : signed(100 * end)));
  return `${low} … ${high}`;
}

export function looksOf(found: ComparedDifference): { tone: Tone; icon: IconName; word: string } {
  const words: Record<ComparisonVerdict, string> = {
    lower: "lower",
    higher: "higher",
    same: "no difference",
    within_error: "within error",
    undecided: "cannot tell",
    too_few: "too few samples",
    not_measured: "not measured",
  };
  const word = words[found.verdict];
  if (found.is_better === true) return { tone: "ok", icon: "check", word: `${word}, better` };
  if (found.is_better === false) return { tone: "bad", icon: "alert", word: `${word}, worse` };
  return { tone: "quiet", icon: found.verdict === "same" ? "check" : "info", word };
}
