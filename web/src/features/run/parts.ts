/** What the figures of a summary can be looked at for: all of it, one target, or one level of one target. */

import type { Summary, WindowedFigures } from "../../api/summary";
import { describeLevel, describeTarget } from "../../ui/describe";
import { type Band, bandOf } from "./window";

export interface Part {
  key: string;
  label: string;
  figures: WindowedFigures;
}

export function partsOf(summary: Summary): Part[] {
  const targets = summary.by_target ?? [];
  const points = summary.points ?? [];
  const parts: Part[] = [];
  if (targets.length > 1) {
    targets.forEach((figures, index) => {
      parts.push({ key: `target ${index}`, label: describeTarget(figures), figures });
    });
  }
  points.forEach((figures, index) => {
    const level = describeLevel(figures.parameter, figures.value);
    const isOne = new Set(points.map(describeTarget)).size === 1;
    parts.push({ key: `point ${index}`, label: isOne ? level : `${describeTarget(figures)}, ${level}`, figures });
  });
  const whole = points.length > 0 ? "all levels" : targets.length > 1 ? "all targets" : "the whole run";
  return [{ key: "", label: whole, figures: summary }, ...parts];
}

/** The steady windows to shade: the run's own, else those of its targets or levels. */
export function bandsOf(summary: Summary | null | undefined): Band[] {
  if (!summary) return [];
  const own = bandOf(summary.window);
  if (own) return [own];
  const inner = summary.points?.length ? summary.points : (summary.by_target ?? []);
  return inner.flatMap((figures) => bandOf(figures.window) ?? []);
}
