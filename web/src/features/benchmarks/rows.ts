/** How the list changes while it is looked at: pages, live progress, ends. Pure functions over rows. */

import type { BenchmarkListItem, Headline, Progress } from "../../api/types";

/** The next page under what is shown, without rows that moved between the two. */
export function appendPage(
  rows: readonly BenchmarkListItem[],
  page: readonly BenchmarkListItem[],
): BenchmarkListItem[] {
  const shown = new Set(rows.map((row) => row.id));
  return [...rows, ...page.filter((row) => !shown.has(row.id))];
}

/** Rows in their places with what is newly known of some; a late tick never brings a finished run back to life. */
export function withProgress(
  rows: readonly BenchmarkListItem[],
  news: ReadonlyMap<string, Progress>,
): readonly BenchmarkListItem[] {
  if (!rows.some((row) => news.has(row.id))) return rows;
  return rows.map((row) => {
    const progress = news.get(row.id);
    if (!progress || isOver(row.status)) return row;
    return { ...row, status: progress.status, progress };
  });
}

/** Rows in their places as they were read again; those that were asked for and not found are gone. */
export function replaced(
  rows: readonly BenchmarkListItem[],
  asked: ReadonlySet<string>,
  found: readonly BenchmarkListItem[],
): BenchmarkListItem[] {
  const news = new Map(found.map((row) => [row.id, row]));
  return rows.flatMap((row) => (asked.has(row.id) ? (news.get(row.id) ?? []) : row));
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
    verdict: null,
  };
}
