/** The points of a sweep or search as rows and curves. Pure. */

import type { Figures, MetricSummary, Percentile, PointFigures, Summary } from "../../api/summary";
import { PERCENTILES } from "../../api/summary";
import type { BenchmarkSpec } from "../../api/types";
import { describeLevel } from "../../ui/describe";
import { type DurationScale, durationScale, significant } from "../../ui/numbers";

export interface CurvePoint {
  x: number;
  y: number;
  label: string;
  isHollow: boolean;
}

export interface Curve {
  label: string;
  colour: number;
  points: CurvePoint[];
}

/** Which percentile of which latency the curve shows, and what it must not exceed. */
export interface Watched {
  metric: string;
  percentile: Percentile;
  limitMs: number | null;
}

/** Of a search its first criterion; else time to first token with the SLO's limit. */
export function watched(spec: BenchmarkSpec): Watched {
  const criterion = spec.explore?.kind === "search" ? spec.explore.criteria?.[0] : undefined;
  if (criterion) {
    const name = `p${criterion.percentile ?? 95}`;
    const known = PERCENTILES.find((percentile) => percentile === name);
    return { metric: criterion.metric, percentile: known ?? "p95", limitMs: known ? criterion.limit_ms : null };
  }
  return { metric: "ttft_ms", percentile: "p95", limitMs: spec.slo?.ttft_ms ?? null };
}

/**
 * The same, of what was measured: levels of few requests have no p95, so the highest percentile that all levels have is
 * shown instead. The limit is one of the percentile that was asked for, and not of another.
 */
export function watchedOf(spec: BenchmarkSpec, points: readonly PointFigures[]): Watched {
  const wanted = watched(spec);
  const has = (percentile: Percentile) => points.every((point) => metricOf(point, wanted.metric)?.[percentile] != null);
  if (points.some((point) => metricOf(point, wanted.metric)?.[wanted.percentile] != null)) return wanted;
  const known = (["p90", "p75", "p50"] as const).find(has);
  return known ? { ...wanted, percentile: known, limitMs: null } : wanted;
}

/** The points by level, one list for each target in the order in which targets were measured. */
export function pointsByTarget(summary: Summary): PointFigures[][] {
  const groups = new Map<string, PointFigures[]>();
  for (const point of summary.points ?? []) {
    const key = `${point.provider} / ${point.model}`;
    groups.set(key, [...(groups.get(key) ?? []), point]);
  }
  return [...groups.values()].map((points) =>
    points.sort((one, other) => one.value - other.value || one.point - other.point),
  );
}

/** Drops points of which either figure is missing; a curve that has none left is not there. */
export function curves(
  groups: readonly (readonly PointFigures[])[],
  x: (point: PointFigures) => number | null | undefined,
  y: (point: PointFigures) => number | null | undefined,
  write: (y: number) => string,
): Curve[] {
  return groups.flatMap((points, colour) => {
    const drawn = points.flatMap((point) => {
      const at = x(point);
      const value = y(point);
      if (at == null || value == null || !Number.isFinite(at) || !Number.isFinite(value)) return [];
      const level = describeLevel(point.parameter, point.value);
      return [{ x: at, y: value, label: `${level}: ${write(value)}`, isHollow: point.verdict === "not_met" }];
    });
    const first = points[0];
    return first && drawn.length > 0 ? [{ label: `${first.provider} / ${first.model}`, colour, points: drawn }] : [];
  });
}

/** The points that no other beats in both: more throughput means less speed for each user from here on. */
export function frontier(points: readonly CurvePoint[]): CurvePoint[] {
  const ordered = [...points].sort((one, other) => other.x - one.x || other.y - one.y);
  const kept: CurvePoint[] = [];
  for (const point of ordered) if (point.y > (kept.at(-1)?.y ?? Number.NEGATIVE_INFINITY)) kept.push(point);
  return kept.reverse();
}

/** Whether a point keeps the limit that is watched; without one, whether it was not found to break any. */
export function keepsLimit(point: PointFigures, { metric, percentile, limitMs }: Watched): boolean {
  if (point.verdict === "not_met") return false;
  if (limitMs === null) return true;
  const value = metricOf(point, metric)?.[percentile];
  return value != null && value <= limitMs;
}

export function metricOf(figures: Figures, name: string): MetricSummary | null {
  return figures.metrics[name] ?? null;
}

/** Output tokens per second as the median user gets them; from the time per output token when that is all there is. */
export function interactivity(figures: Figures): number | null {
  const speed = figures.rates.user_output_tokens_per_s?.p50;
  if (speed != null) return speed;
  const tpot = metricOf(figures, "tpot_ms")?.p50;
  return tpot ? 1000 / tpot : null;
}

export function scaleOf(points: readonly PointFigures[], metric: string, percentile: Percentile): DurationScale {
  return durationScale(points.map((point) => metricOf(point, metric)?.[percentile]));
}

export function perSecond(value: number, unit: string): string {
  return `${significant(value)} ${unit}`;
}
