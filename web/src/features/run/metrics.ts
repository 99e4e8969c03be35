/** The summary's distributions as rows of a table, all in one unit. */

import type { MetricSummary } from "../../api/types";
import { alignDecimals, count, type DurationScale, durationScale, inScale, MISSING } from "../../ui/numbers";

export const PERCENTILES = ["min", "p50", "p75", "p90", "p95", "p99", "p99.9", "max", "mean", "stdev"] as const;

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
  "connect_ms",
];

// What lies between two points of the answer, or before its start, is the same from either origin.
const ORIGIN_FREE = new Set(["tpot_ms", "icl_ms", "schedule_delay_ms", "connect_ms"]);

export interface MetricRow {
  key: string;
  n: string;
  cells: string[];
}

export interface MetricTable {
  scale: DurationScale;
  rows: MetricRow[];
}

function pick(metrics: Record<string, MetricSummary | null>, key: string, origin: Origin): MetricSummary | null {
  const wanted = origin === "intended" && !ORIGIN_FREE.has(key) ? key.replace(/_ms$/, "_from_intended_ms") : key;
  return metrics[wanted] ?? null;
}

export function metricTable(metrics: Record<string, MetricSummary | null>, origin: Origin): MetricTable {
  const found = ROWS.map((key) => ({ key, metric: pick(metrics, key, origin) })).filter(
    ({ metric }) => metric !== null,
  );
  const scale = durationScale(found.map(({ metric }) => metric?.p50));
  const columns = PERCENTILES.map((name) => alignDecimals(found.map(({ metric }) => inScale(metric?.[name], scale))));
  const rows = found.map(({ key, metric }, row) => ({
    key,
    n: count(metric?.n),
    cells: columns.map((column) => column[row] ?? MISSING),
  }));
  return { scale, rows };
}
