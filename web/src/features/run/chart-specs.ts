/** The charts of a run over the columns of its timeline. */

import type { Load, TimelineColumn } from "../../api/types";
import type { ChartSpec } from "../../charts";

function percentiles(of: "ttft" | "gap"): ChartSpec<TimelineColumn>["series"] {
  return [
    { column: `${of}_p50_ms`, label: "p50", colour: 0, axis: "left" },
    { column: `${of}_p95_ms`, label: "p95", colour: 3, axis: "left" },
    { column: `${of}_p99_ms`, label: "p99", colour: 1, axis: "left" },
  ];
}

const OPEN: readonly ChartSpec<TimelineColumn>[] = [
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
    title: "Throughput, offered and achieved",
    left: { measure: "rate", label: "tok/s" },
    right: { measure: "rate", label: "req/s" },
    series: [
      { column: "output_tokens_per_s", label: "output", unit: "tok/s", colour: 2, axis: "left" },
      { column: "offered_per_s", label: "offered", unit: "req/s", colour: 7, axis: "right" },
      { column: "requests_per_s", label: "achieved", unit: "req/s", colour: 4, axis: "right" },
    ],
  },
  {
    title: "In flight and failures",
    left: { measure: "count", label: "in flight" },
    right: { measure: "rate", label: "failures/s" },
    series: [
      { column: "in_flight", label: "in flight", colour: 5, axis: "left" },
      { column: "errors_per_s", label: "failures", unit: "/s", colour: 1, axis: "right" },
    ],
  },
];

/** In a closed loop nothing is offered: a user waits for the answer before asking again. */
const CLOSED = OPEN.map((spec) => {
  const series = spec.series.filter(({ column }) => column !== "offered_per_s");
  return series.length === spec.series.length ? spec : { ...spec, title: "Throughput", series };
});

export function chartsOf(load: Load): readonly ChartSpec<TimelineColumn>[] {
  return load.kind === "closed" || load.kind === "closed_steps" ? CLOSED : OPEN;
}
