/** The big numbers of a run: of the progress while it runs, of the summary when it is over. */

import type { Summary } from "../../api/summary";
import type { BenchmarkSpec, Load, Progress, TimelineColumn } from "../../api/types";
import { count, dollars, durationScale, inScale, MISSING, percent, significant } from "../../ui/numbers";

export interface Figure {
  label: string;
  value: string;
  unit: string;
  /** What the sparkline under it shows. */
  column: TimelineColumn | null;
  title: string;
  isBad?: boolean;
}

interface Values {
  first: Figure;
  requestsPerS: number | null | undefined;
  tokensPerS: number | null | undefined;
  ttft50: number | null | undefined;
  ttft95: number | null | undefined;
  ttft99: number | null | undefined;
  tpot50: number | null | undefined;
  errorRate: number | null | undefined;
  errorTitle: string;
  cost: number | null | undefined;
  budget?: number | null | undefined;
}

function layout(values: Values): Figure[] {
  const scale = durationScale([values.ttft50, values.ttft95, values.ttft99]);
  const tpotScale = durationScale([values.tpot50]);
  return [
    values.first,
    {
      label: "rate",
      value: significant(values.requestsPerS),
      unit: "req/s",
      column: "requests_per_s",
      title: "Requests ended per second",
    },
    {
      label: "output",
      value: significant(values.tokensPerS),
      unit: "tok/s",
      column: "output_tokens_per_s",
      title: "Output tokens per second",
    },
    {
      label: "TTFT p50",
      value: inScale(values.ttft50, scale),
      unit: scale.unit,
      column: "ttft_p50_ms",
      title: "Time to first token, median",
    },
    {
      label: "TTFT p95",
      value: inScale(values.ttft95, scale),
      unit: scale.unit,
      column: "ttft_p95_ms",
      title: "Time to first token, 95th percentile",
    },
    {
      label: "TTFT p99",
      value: inScale(values.ttft99, scale),
      unit: scale.unit,
      column: "ttft_p99_ms",
      title: "Time to first token, 99th percentile",
    },
    {
      label: "TPOT p50",
      value: inScale(values.tpot50, tpotScale),
      unit: tpotScale.unit,
      column: "gap_p50_ms",
      title: "Time per output token, median; the line shows the median chunk gap",
    },
    {
      label: "errors",
      value: percent(values.errorRate),
      unit: "",
      column: "errors_per_s",
      title: values.errorTitle,
      isBad: Boolean(values.errorRate),
    },
    {
      label: "cost",
      value: dollars(values.cost),
      unit: values.budget == null ? "" : `/ ${dollars(values.budget)}`,
      column: null,
      title: values.cost == null ? "No price is known for this model" : "Cost so far, in US dollars",
    },
  ];
}

/** How many users there are, where there are users at all; of an exploration those of the level that is measured. */
function usersOf(load: Load, progress: Progress | null): number | null {
  if (load.kind === "closed") return progress?.level ?? load.concurrency;
  return load.kind === "closed_steps" ? Math.max(...load.steps.map((step) => step.concurrency)) : null;
}

export function liveFigures(progress: Progress | null, spec: BenchmarkSpec): Figure[] {
  const users = usersOf(spec.load, progress);
  return layout({
    first: {
      label: "in flight",
      value: count(progress?.in_flight),
      unit: users === null ? "" : `/ ${count(users)}`,
      column: "in_flight",
      title: progress?.waiting ? `${count(progress.waiting)} more are due and wait` : "Requests under way",
    },
    requestsPerS: progress?.requests_per_s,
    tokensPerS: progress?.output_tokens_per_s,
    ttft50: progress?.ttft_ms?.p50,
    ttft95: progress?.ttft_ms?.p95,
    ttft99: progress?.ttft_ms?.p99,
    tpot50: progress?.tpot_ms?.p50,
    errorRate: progress?.error_rate,
    errorTitle: progress ? `${count(progress.failed)} of ${count(progress.completed)} failed` : MISSING,
    cost: progress?.cost_usd,
    budget: spec.budget_usd,
  });
}

export function finalFigures(summary: Summary, budget: number | null = null): Figure[] {
  const { requests, rates, metrics } = summary;
  return layout({
    first: {
      label: "requests",
      value: count(requests.total),
      unit: "",
      column: "in_flight",
      title: `${count(requests.ok)} ok, ${count(requests.failed)} failed; the line shows requests in flight`,
    },
    requestsPerS: rates.requests_per_s,
    tokensPerS: rates.output_tokens_per_s,
    ttft50: metrics.ttft_ms?.p50,
    ttft95: metrics.ttft_ms?.p95,
    ttft99: metrics.ttft_ms?.p99,
    tpot50: metrics.tpot_ms?.p50,
    errorRate: requests.total > 0 ? requests.failed / requests.total : null,
    errorTitle: `${count(requests.failed)} of ${count(requests.total)} failed`,
    cost: summary.cost_usd,
    budget,
  });
}
