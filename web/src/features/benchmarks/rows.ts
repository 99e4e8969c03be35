/** How the list changes while it is looked at: pages, live progress, ends. Pure functions over rows. */

import type { Benchmark, BenchmarkListItem, Headline, Progress } from "../../api/types";

/** A fresh first page over what is shown: its order first, then the older rows that were loaded before. */
export function mergeFirstPage(
  rows: readonly BenchmarkListItem[],
  page: readonly BenchmarkListItem[],
): BenchmarkListItem[] {
  const fresh = new Set(page.map((row) => row.id));
  const oldest = page.at(-1)?.created_at ?? "";
  return [...page, ...rows.filter((row) => !fresh.has(row.id) && row.created_at < oldest)];
}

/** The next page under what is shown, without rows that moved between the two. */
export function appendPage(
  rows: readonly BenchmarkListItem[],
  page: readonly BenchmarkListItem[],
): BenchmarkListItem[] {
  const shown = new Set(rows.map((row) => row.id));
  return [...rows, ...page.filter((row) => !shown.has(row.id))];
}

/** A row with the newest progress. A late tick never brings a finished run back to life. */
export function withProgress(rows: readonly BenchmarkListItem[], id: string, progress: Progress): BenchmarkListItem[] {
  return rows.map((row) => {
    if (row.id !== id || isOver(row.status)) return row;
    return { ...row, status: progress.status, progress };
  });
}

export function isOver(status: string): boolean {
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** The numbers of a row: of the summary when it is over, of the progress while it runs. */
export function headlineOf(row: BenchmarkListItem): Headline | null {
  if (row.headline) return row.headline;
  const progress = row.progress;
  if (!progress) return null;
  return {
    requests: progress.completed,
    error_rate: progress.error_rate,
    ttft_p50_ms: progress.ttft_ms?.p50 ?? null,
    ttft_p95_ms: progress.ttft_ms?.p95 ?? null,
    tpot_p50_ms: progress.tpot_ms?.p50 ?? null,
    output_tokens_per_s: progress.output_tokens_per_s,
    cost_usd: progress.cost_usd,
  };
}

/** The list's row for a benchmark that was read whole. */
export function rowOf(benchmark: Benchmark): BenchmarkListItem {
  const { spec, summary, ...common } = benchmark;
  const headline = summary && {
    requests: summary.requests.total,
    error_rate: summary.requests.total > 0 ? summary.requests.failed / summary.requests.total : null,
    ttft_p50_ms: summary.metrics.ttft_ms?.p50 ?? null,
    ttft_p95_ms: summary.metrics.ttft_ms?.p95 ?? null,
    tpot_p50_ms: summary.metrics.tpot_ms?.p50 ?? null,
    output_tokens_per_s: summary.rates.output_tokens_per_s,
    cost_usd: summary.cost_usd,
  };
  return { ...common, targets: spec.targets, load: spec.load, stop: spec.stop ?? {}, headline };
}
