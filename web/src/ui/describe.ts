/** Parts of a spec in the few words of a table cell. */

import type { Explore, Length, Load, Stop, Target, ThinkTime, Workload } from "../api/types";
import { clock, count, duration, significant } from "./numbers";

/** What makes gaps between arrivals, in front of a rate. Constant is what a bare rate means. */
function arrivals(arrival: "constant" | "poisson" | "gamma" | undefined, burstiness: number | undefined): string {
  if (arrival === "constant") return "";
  return arrival === "gamma" ? `gamma (${significant(burstiness ?? 1)}) ` : "Poisson ";
}

function rate(value: number): string {
  return `${significant(value)} req/s`;
}

function users(value: number): string {
  return `${count(value)} ${value === 1 ? "user" : "users"}`;
}

/** "4 → 16 → 4", or its ends and how many when there are more than a cell has room for. */
function stretches(levels: readonly string[]): string {
  if (levels.length <= 4) return levels.join(" → ");
  return `${levels[0]} → … → ${levels.at(-1)}, ${count(levels.length)} steps,`;
}

export function describeLoad(load: Load): string {
  switch (load.kind) {
    case "closed":
      return (
        users(load.concurrency) + (load.ramp_up_seconds ? `, joining over ${describeSpan(load.ramp_up_seconds)}` : "")
      );
    case "closed_steps":
      return load.steps.length === 1
        ? users(load.steps[0]?.concurrency ?? 0)
        : `${stretches(load.steps.map((step) => count(step.concurrency)))} users`;
    case "constant":
      return rate(load.rate);
    case "poisson":
      return `Poisson ${rate(load.rate)}`;
    case "gamma":
      return `gamma (${significant(load.burstiness)}) ${rate(load.rate)}`;
    case "ramp": {
      const shape = load.curve === "exponential" ? "exponential ramp" : "ramp";
      const ends = `${significant(load.from_rate)} → ${rate(load.to_rate)}`;
      return `${shape} ${ends} in ${describeSpan(load.seconds)}`;
    }
    case "steps":
      return `${arrivals(load.arrival, load.burstiness)}${stretches(load.steps.map((step) => significant(step.rate)))} req/s`;
    case "spike":
      return `${rate(load.rate)}, spike of ${significant(load.spike_rate)} for ${describeSpan(load.spike_seconds)}`;
    case "trace":
      return `trace of ${requests(load.at_seconds.length)}${load.speed && load.speed !== 1 ? ` at ${significant(load.speed)}×` : ""}`;
  }
}

/** A load whose level an exploration sets: what is left to say of it. */
export function describeExploredLoad(load: Load): string {
  switch (load.kind) {
    case "closed":
      return load.ramp_up_seconds ? `users, joining over ${describeSpan(load.ramp_up_seconds)}` : "users";
    case "constant":
      return "constant rate";
    case "poisson":
      return "Poisson arrivals";
    case "gamma":
      return `gamma arrivals (${significant(load.burstiness)})`;
    default:
      return describeLoad(load);
  }
}

function requests(value: number): string {
  return `${count(value)} ${value === 1 ? "request" : "requests"}`;
}

export function describeStop(stop: Stop | null | undefined): string {
  const parts: string[] = [];
  if (stop?.requests) parts.push(requests(stop.requests));
  if (stop?.duration_seconds) parts.push(describeSpan(stop.duration_seconds));
  return parts.join(" or ");
}

/** Loads that have an end of their own need no stop rule. */
export function endsByItself(load: Load): boolean {
  return load.kind === "closed_steps" || load.kind === "steps" || load.kind === "trace";
}

/** Up to two minutes in seconds, above as a clock with its larger unit. */
export function describeSpan(seconds: number): string {
  if (seconds < 120) return `${significant(seconds)} s`;
  return `${clock(seconds)} ${seconds < 3600 ? "min" : "h"}`;
}

/** A number of tokens, or a distribution of it, without the word tokens. */
export function describeLength(length: Length): string {
  if (typeof length === "number") return count(length);
  switch (length.kind) {
    case "normal":
    case "lognormal":
      return `${length.kind} ${significant(length.mean)} ± ${significant(length.stdev)}`;
    case "uniform":
      return `${count(length.minimum)} to ${count(length.maximum)}`;
    case "empirical":
      return `drawn from ${count(length.values.length)} lengths`;
  }
}

function thinking(think: ThinkTime | undefined): string {
  if (!think?.mean_seconds) return "";
  const about = think.distribution === "exponential" ? "about " : "";
  return `, thinking ${about}${describeSpan(think.mean_seconds)}`;
}

export function describeWorkload(workload: Workload): string {
  switch (workload.kind) {
    case "prompt":
      return "one prompt";
    case "list":
      return `${count(workload.prompts.length)} ${workload.prompts.length === 1 ? "prompt" : "prompts"} in turn`;
    case "synthetic":
      return `synthetic, ${describeLength(workload.input_tokens)} → ${describeLength(workload.output_tokens)} tokens`;
    case "shared_prefix": {
      const groups = workload.groups && workload.groups !== 1 ? `${count(workload.groups)} prefixes` : "one prefix";
      const own = `${describeLength(workload.input_tokens)} → ${describeLength(workload.output_tokens)} tokens`;
      return `${groups} of ${count(workload.prefix_tokens)} + ${own}`;
    }
    case "conversation": {
      const turns = `${count(workload.turns)} ${workload.turns === 1 ? "turn" : "turns"}`;
      const lengths = `${describeLength(workload.input_tokens)} → ${describeLength(workload.output_tokens)} tokens`;
      return `conversations of ${turns}, ${lengths} each${thinking(workload.think_time)}`;
    }
    case "conversation_list": {
      const n = workload.conversations.length;
      return `${count(n)} given ${n === 1 ? "conversation" : "conversations"}${thinking(workload.think_time)}`;
    }
    case "embeddings": {
      const batch = workload.batch_size && workload.batch_size !== 1 ? `, ${count(workload.batch_size)} a request` : "";
      if (workload.texts) return `embeddings of ${count(workload.texts.length)} texts${batch}`;
      const length = workload.input_tokens == null ? "" : ` of ${describeLength(workload.input_tokens)} tokens`;
      return `embeddings${length}${batch}`;
    }
    case "trace":
      return `lengths of ${count(workload.requests.length)} recorded requests`;
  }
}

/** A level of load without its unit: users are whole. */
export function writeLevel(parameter: string | null | undefined, value: number): string {
  return parameter === "rate" ? significant(value) : count(value);
}

/** A level of load with its unit. */
export function describeLevel(parameter: string | null | undefined, value: number): string {
  return parameter === "rate" ? rate(value) : users(value);
}

export function describeExplore(explore: Explore): string {
  const unit = explore.parameter === "rate" ? "req/s" : "users";
  if (explore.kind === "sweep")
    return `sweep over ${explore.values.map((value) => writeLevel(explore.parameter, value)).join(", ")} ${unit}`;
  const limits = (explore.criteria ?? []).map(
    ({ metric, percentile, limit_ms }) => `${metric.replace(/_ms$/, "")} p${percentile ?? 95} ≤ ${duration(limit_ms)}`,
  );
  if (explore.max_error_rate != null) limits.push(`errors ≤ ${significant(explore.max_error_rate * 100)} %`);
  const write = (value: number) => writeLevel(explore.parameter, value);
  const range = `${write(explore.minimum)} to ${write(explore.maximum)} ${unit}`;
  return `search of the highest from ${range} with ${limits.join(" and ")}`;
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
  dns_ms: "DNS",
  connect_ms: "connect",
  tls_ms: "TLS",
};
