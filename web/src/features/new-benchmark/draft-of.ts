/** From a spec to the form: the way back of `spec.ts`. What no field can show is carried along, never lost. */

import type { ChatTurn, LatencyMetric, PromptItem, TraceRequest } from "../../api/types";
import { type Document, isDocument, leftOver } from "./carried";
import {
  type Arrival,
  type CriterionDraft,
  type Draft,
  EMPTY_DRAFT,
  type ExploreDraft,
  type LengthDraft,
  type LengthKind,
  type LoadDraft,
  type StepDraft,
  type TraceFile,
  type WorkloadDraft,
} from "./draft";
import { buildSpec } from "./spec";
import { withoutDefaults } from "./spec-defaults";

/** More lines than this are kept as a file is: as values, behind their number. */
const MOST_LINES = 200;

export function draftOf(document: unknown): Draft {
  const spec = withoutDefaults(document);
  const part = (name: string): Document => (isDocument(spec[name]) ? spec[name] : {});
  const [stop, slo, window, limits] = [part("stop"), part("slo"), part("window"), part("limits")];
  const [sampling, retry, timeouts] = [part("sampling"), part("retry"), part("timeouts")];
  const targets = listOf(spec.targets).map((target) => {
    const { provider, model } = isDocument(target) ? target : {};
    return { provider: text(provider), model: text(model) };
  });
  const draft: Draft = {
    ...EMPTY_DRAFT,
    name: text(spec.name),
    tags: joined(spec.tags),
    targets: targets.length > 0 ? targets : EMPTY_DRAFT.targets,
    workload: workloadOf(part("workload")),
    load: loadOf(part("load")),
    traceFile: traceOf(part("load"), part("workload")),
    explore: exploreOf(part("explore")),
    requests: text(stop.requests),
    durationSeconds: text(stop.duration_seconds),
    sloTtftMs: text(slo.ttft_ms),
    sloTpotMs: text(slo.tpot_ms),
    sloE2eMs: text(slo.e2e_ms),
    givesWindow: Object.keys(window).length > 0,
    warmupSeconds: text(window.warmup_seconds),
    cooldownSeconds: text(window.cooldown_seconds),
    stream: sampling.stream !== false,
    system: text(sampling.system),
    maxTokens: text(sampling.max_tokens),
    temperature: text(sampling.temperature),
    topP: text(sampling.top_p),
    stopTexts: listOf(sampling.stop).map(text).join("\n"),
    samplingSeed: text(sampling.seed),
    extra: isDocument(sampling.extra) ? JSON.stringify(sampling.extra, null, 2) : "",
    maxAttempts: text(retry.max_attempts),
    baseDelayMs: text(retry.base_delay_ms),
    maxDelayMs: text(retry.max_delay_ms),
    connectSeconds: text(timeouts.connect_seconds),
    firstTokenSeconds: text(timeouts.first_token_seconds),
    betweenChunksSeconds: text(timeouts.between_chunks_seconds),
    totalSeconds: text(timeouts.total_seconds),
    requestsPerMinute: text(limits.requests_per_minute),
    tokensPerMinute: text(limits.tokens_per_minute),
    budgetUsd: text(spec.budget_usd),
    seed: text(spec.seed),
    workers: text(spec.workers),
    placement: joined(spec.placement),
    saveResponses: spec.save_responses === true,
    saveGaps: spec.save_gaps !== false,
    propagateTrace: spec.propagate_trace === true,
  };
  const built = buildSpec(draft);
  return { ...draft, carried: leftOver(spec, withoutDefaults(built.spec), built.paths) };
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function joined(value: unknown): string {
  return listOf(value).map(text).join(", ");
}

function percentage(value: unknown): string {
  return typeof value === "number" ? String(Number((value * 100).toPrecision(12))) : "";
}

function oneOf<Choice extends string>(value: unknown, choices: readonly Choice[], otherwise: Choice): Choice {
  return choices.find((choice) => choice === value) ?? otherwise;
}

const WORKLOADS: readonly WorkloadDraft["kind"][] = [
  "prompt",
  "list",
  "synthetic",
  "shared_prefix",
  "conversation",
  "conversation_list",
  "embeddings",
  "trace",
];
const LOADS: readonly LoadDraft["kind"][] = [
  "closed",
  "closed_steps",
  "constant",
  "poisson",
  "gamma",
  "ramp",
  "steps",
  "spike",
  "trace",
];
const LENGTHS: readonly LengthKind[] = ["normal", "lognormal", "uniform", "empirical"];

function workloadOf(spec: Document): WorkloadDraft {
  const empty = EMPTY_DRAFT.workload;
  const kind = oneOf(spec.kind, WORKLOADS, "prompt");
  const think = isDocument(spec.think_time) ? spec.think_time : {};
  const images = isDocument(spec.images) ? spec.images : {};
  const audio = isDocument(spec.audio) ? spec.audio : {};
  const [prompts, texts] = [listOf(spec.prompts), listOf(spec.texts)];
  return {
    ...empty,
    kind,
    prompt: text(spec.prompt),
    ...(isTyped(prompts)
      ? { prompts: prompts.join("\n") }
      : { promptFile: { name: "the spec", items: prompts as (string | PromptItem)[] } }),
    inputTokens: lengthOf(spec.input_tokens),
    outputTokens: lengthOf(spec.output_tokens),
    wordsPerToken: text(spec.words_per_token),
    imageCount: text(images.count),
    imageWidth: text(images.width),
    imageHeight: text(images.height),
    audioSeconds: text(audio.seconds),
    audioRateHz: text(audio.sample_rate_hz),
    groups: text(spec.groups),
    prefixTokens: text(spec.prefix_tokens),
    uniqueness: percentage(spec.uniqueness),
    turns: text(spec.turns),
    thinkSeconds: text(think.mean_seconds),
    thinkDistribution: oneOf(think.distribution, ["fixed", "exponential"], "fixed"),
    ...(Array.isArray(spec.conversations)
      ? { conversationFile: { name: "the spec", items: spec.conversations as ChatTurn[][] } }
      : {}),
    embedsTexts: Array.isArray(spec.texts),
    ...(isTyped(texts)
      ? { texts: texts.join("\n") }
      : { textFile: { name: "the spec", items: texts.filter((one): one is string => typeof one === "string") } }),
    batchSize: text(spec.batch_size),
    traceRequests: kind === "trace" && Array.isArray(spec.requests) ? JSON.stringify(spec.requests) : "",
    blockTokens: text(spec.block_tokens),
  };
}

/** Whether lines in a text field would give the same list. */
function isTyped(items: readonly unknown[]): items is readonly string[] {
  return (
    items.length <= MOST_LINES &&
    items.every((item) => typeof item === "string" && item.trim() === item && item !== "" && !/[\n\r]/.test(item))
  );
}

function lengthOf(spec: unknown): LengthDraft {
  const blank = { kind: "fixed", tokens: "", mean: "", stdev: "", minimum: "", maximum: "", values: "", weights: "" };
  if (!isDocument(spec)) return { ...blank, kind: "fixed", tokens: text(spec) };
  return {
    kind: oneOf(spec.kind, LENGTHS, "fixed"),
    tokens: "",
    mean: text(spec.mean),
    stdev: text(spec.stdev),
    minimum: text(spec.minimum),
    maximum: text(spec.maximum),
    values: joined(spec.values),
    weights: joined(spec.weights),
  };
}

function loadOf(spec: Document): LoadDraft {
  const kind = oneOf(spec.kind, LOADS, "closed");
  const steps = (level: string): StepDraft[] =>
    listOf(spec.steps).map((step) => {
      const one = isDocument(step) ? step : {};
      return { level: text(one[level]), seconds: text(one.seconds) };
    });
  return {
    ...EMPTY_DRAFT.load,
    kind,
    concurrency: text(spec.concurrency),
    rampUpSeconds: text(spec.ramp_up_seconds),
    ...(kind === "closed_steps" ? { userSteps: steps("concurrency") } : {}),
    ...(kind === "steps" ? { rateSteps: steps("rate") } : {}),
    rate: text(spec.rate),
    burstiness: text(spec.burstiness),
    maxInFlight: text(spec.max_in_flight),
    arrival: oneOf<Arrival>(spec.arrival, ["constant", "poisson", "gamma"], "poisson"),
    fromRate: text(spec.from_rate),
    toRate: text(spec.to_rate),
    rampSeconds: text(spec.seconds),
    curve: oneOf(spec.curve, ["linear", "exponential"], "linear"),
    spikeRate: text(spec.spike_rate),
    spikeAtSeconds: text(spec.spike_at_seconds),
    spikeSeconds: text(spec.spike_seconds),
    atSeconds: "",
    speed: text(spec.speed),
  };
}

/** A recorded trace is long: it is kept as out of a file. */
function traceOf(load: Document, workload: Document): TraceFile | null {
  if (load.kind !== "trace" || !Array.isArray(load.at_seconds)) return null;
  const requests = workload.kind === "trace" && Array.isArray(workload.requests) ? workload.requests : null;
  return { name: "the spec", atSeconds: load.at_seconds as number[], requests: requests as TraceRequest[] | null };
}

function exploreOf(spec: Document): ExploreDraft {
  const empty = EMPTY_DRAFT.explore;
  const kind = oneOf<ExploreDraft["kind"]>(spec.kind, ["sweep", "search"], "none");
  if (kind === "none") return empty;
  const criteria = listOf(spec.criteria).map((one): CriterionDraft => {
    const { metric, percentile, limit_ms } = isDocument(one) ? one : {};
    return { metric: text(metric) as LatencyMetric, percentile: text(percentile), limitMs: text(limit_ms) };
  });
  return {
    kind,
    values: kind === "sweep" ? joined(spec.values) : empty.values,
    minimum: kind === "search" ? text(spec.minimum) : empty.minimum,
    maximum: kind === "search" ? text(spec.maximum) : empty.maximum,
    criteria: kind === "search" ? criteria : empty.criteria,
    maxErrorPercent: kind === "search" ? percentage(spec.max_error_rate) : empty.maxErrorPercent,
    confidencePercent: percentage(spec.confidence),
    tolerancePercent: percentage(spec.tolerance),
    maxPoints: text(spec.max_points),
  };
}
