/** The summary's distributions as rows of a table, all in one unit: the whole run, and the steady window under it. */

import type { Interval, Maybe, MetricSummary, Moment, Percentile } from "../../api/summary";
import { alignDecimals, count, type DurationScale, durationScale, inScale, MISSING } from "../../ui/numbers";

export const COLUMNS = ["min", "p50", "p75", "p90", "p95", "p99", "p99.9", "max", "mean", "stdev"] as const;
type Column = (typeof COLUMNS)[number] & (Percentile | Moment);

/** From when latencies count: the true start, or the start that the schedule wanted. */
export type Origin = "started" | "intended";

const ROWS = [
  "ttft_ms",
  "ttfo_ms",
  "ttfb_ms",
  "tpot_ms",
  "icl_ms",
  "e2e_ms",
  "stream_end_ms",
  "schedule_delay_ms",
  "dns_ms",
  "connect_ms",
  "tls_ms",
];

// What lies between two points of the answer, or before its start, is the same from either origin.
const ORIGIN_FREE = new Set(["tpot_ms", "icl_ms", "schedule_delay_ms", "dns_ms", "connect_ms", "tls_ms"]);

export interface Cell {
  text: string;
  /** "198–207", the 95 % confidence interval. */
  interval: string | null;
  /** Of a percentile that was refused: the least n that it needs. */
  needs: string | null;
}

export interface MetricRow {
  key: string;
  isSteady: boolean;
  n: string;
  cells: Cell[];
}

export interface MetricTable {
  scale: DurationScale;
  rows: MetricRow[];
}

type Metrics = Record<string, MetricSummary | null>;

function pick(metrics: Metrics, key: string, origin: Origin): MetricSummary | null {
  const wanted = origin === "intended" && !ORIGIN_FREE.has(key) ? key.replace(/_ms$/, "_from_intended_ms") : key;
  return metrics[wanted] ?? null;
}

export function metricTable(metrics: Metrics, origin: Origin, steady: Maybe<Metrics> = null): MetricTable {
  const found = ROWS.flatMap((key) => {
    const whole = pick(metrics, key, origin);
    if (!whole) return [];
    const inWindow = steady ? pick(steady, key, origin) : null;
    return [{ key, isSteady: false, metric: whole }, ...(inWindow ? [{ key, isSteady: true, metric: inWindow }] : [])];
  });
  return table(found);
}

/** Any named distributions, such as those that a server reports of itself. */
export function plainTable(metrics: Metrics): MetricTable {
  return table(Object.entries(metrics).flatMap(([key, metric]) => (metric ? [{ key, isSteady: false, metric }] : [])));
}

function table(found: readonly { key: string; isSteady: boolean; metric: MetricSummary }[]): MetricTable {
  const scale = durationScale(found.map(({ metric }) => metric.p50 ?? metric.mean));
  const columns = COLUMNS.map((name) => alignDecimals(found.map(({ metric }) => inScale(metric[name], scale))));
  const rows = found.map(({ key, isSteady, metric }, row) => ({
    key,
    isSteady,
    n: count(metric.n),
    cells: COLUMNS.map((name, column) => cell(metric, name, columns[column]?.[row] ?? MISSING, scale)),
  }));
  return { scale, rows };
}

function cell(metric: MetricSummary, name: Column, text: string, scale: DurationScale): Cell {
  const isPercentile = name.startsWith("p");
  const ci = isPercentile ? metric.ci?.[name as Percentile] : null;
  const needs = isPercentile && metric[name] == null ? metric.needs_n?.[name as Percentile] : null;
  return {
    text,
    interval: ci && metric[name] != null ? writeInterval(ci, scale) : null,
    needs: needs ? `needs n ≥ ${count(needs)}` : null,
  };
}

export function writeInterval([low, high]: Interval, scale: DurationScale): string {
  return `${inScale(low, scale)}–${inScale(high, scale)}`;
}
