/** Parts of a spec in the few words of a table cell. */

import type { Load, Stop, Target, Workload } from "../api/types";
import { clock, count, significant } from "./numbers";

export function describeLoad(load: Load): string {
  switch (load.kind) {
    case "closed":
      return `${count(load.concurrency)} ${load.concurrency === 1 ? "user" : "users"}`;
    case "constant":
      return `${significant(load.rate)} req/s`;
    case "poisson":
      return `Poisson ${significant(load.rate)} req/s`;
  }
}

export function describeStop(stop: Stop): string {
  const parts: string[] = [];
  if (stop.requests) parts.push(`${count(stop.requests)} requests`);
  if (stop.duration_seconds) parts.push(describeSpan(stop.duration_seconds));
  return parts.join(" or ");
}

/** Up to two minutes in seconds, above as a clock with its larger unit. */
function describeSpan(seconds: number): string {
  if (seconds < 120) return `${significant(seconds)} s`;
  return `${clock(seconds)} ${seconds < 3600 ? "min" : "h"}`;
}

export function describeWorkload(workload: Workload): string {
  switch (workload.kind) {
    case "prompt":
      return "one prompt";
    case "list":
      return `${count(workload.prompts.length)} prompts in turn`;
    case "synthetic":
      return `synthetic, ${count(workload.input_tokens)} → ${count(workload.output_tokens)} tokens`;
  }
}

export function describeTarget(target: Target): string {
  return `${target.provider} / ${target.model}`;
}

export function describeTargets(targets: readonly Target[]): string {
  const [first, ...rest] = targets;
  if (!first) return "";
  return describeTarget(first) + (rest.length > 0 ? ` +${rest.length}` : "");
}

/** What to call durations in the tables: `ttft_ms` and its kin, in words. */
export const METRIC_NAMES: Record<string, string> = {
  ttft_ms: "time to first token",
  ttfo_ms: "time to first answer token",
  ttfb_ms: "time to first byte",
  tpot_ms: "time per output token",
  icl_ms: "chunk gap",
  e2e_ms: "end to end",
  stream_end_ms: "end of stream",
  schedule_delay_ms: "schedule delay",
  connect_ms: "connect",
};
