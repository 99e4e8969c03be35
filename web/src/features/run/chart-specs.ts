/** The four charts of a run, over the columns of its timeline. */

import type { TimelineColumn } from "../../api/types";
import type { ChartSpec } from "../../charts";

function percentiles(of: "ttft" | "gap"): ChartSpec<TimelineColumn>["series"] {
  return [
    { column: `${of}_p50_ms`, label: "p50", style: 0, axis: "left" },
    { column: `${of}_p95_ms`, label: "p95", style: 3, axis: "left" },
    { column: `${of}_p99_ms`, label: "p99", style: 1, axis: "left" },
  ];
}

export const CHARTS: readonly ChartSpec<TimelineColumn>[] = [
  {
    title: "Time to first token",
    left: { measure: "duration", label: "ms" },
    series: percentiles("ttft"),
  },
  {
    title: "Chunk gap",
    left: { measure: "duration", label: "ms" },
    series: percentiles("gap"),
  },
  {
    title: "Throughput",
    left: { measure: "rate", label: "tok/s" },
    right: { measure: "rate", label: "req/s" },
    series: [
      { column: "output_tokens_per_s", label: "output", unit: "tok/s", style: 2, axis: "left" },
      { column: "requests_per_s", label: "requests", unit: "req/s", style: 4, axis: "right" },
    ],
  },
  {
    title: "In flight and errors",
    left: { measure: "count", label: "in flight" },
    right: { measure: "rate", label: "errors/s" },
    series: [
      { column: "in_flight", label: "in flight", style: 5, axis: "left" },
      { column: "errors_per_s", label: "errors", unit: "/s", style: 1, axis: "right" },
    ],
  },
];
