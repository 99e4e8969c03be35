/** Parts of a spec as options of `llm-test-bench bench`; what no option can say is named instead. */

import type { BenchmarkSpec, Explore, Length, Load, Workload } from "../../api/types";

export type Option = [name: string, value: string | number | null | undefined];

export interface CliPart {
  options: Option[];
  /** What the options leave out, in words. */
  missing: string[];
}

type Varying = Extract<Load, { arrival?: unknown }>;

/** Of an explored load only what the exploration does not set: its level must not be given twice. */
export function loadPart(load: Load, isExplored: boolean): CliPart {
  const options: Option[] = [];
  switch (load.kind) {
    case "closed":
      if (!isExplored) options.push(["concurrency", load.concurrency]);
      return part([...options, ["ramp-up", load.ramp_up_seconds]]);
    case "closed_steps":
      return part([["concurrency-steps", steps(load.steps.map((step) => [step.concurrency, step.seconds]))]]);
    case "constant":
    case "poisson":
    case "gamma":
      if (!isExplored) options.push(["rate", load.rate]);
      return part([
        ...options,
        ["arrival", load.kind],
        ["burstiness", load.kind === "gamma" ? load.burstiness : null],
        ["concurrency", load.max_in_flight],
      ]);
    case "ramp":
      return part([
        ["rate", load.from_rate],
        ["ramp-to", load.to_rate],
        ["ramp-seconds", load.seconds],
        ["ramp-curve", load.curve],
        ...varying(load),
      ]);
    case "steps":
      return part([["rate-steps", steps(load.steps.map((step) => [step.rate, step.seconds]))], ...varying(load)]);
    case "spike":
      return part([
        ["rate", load.rate],
        ["spike", `${load.spike_rate}@${load.spike_at_seconds}+${load.spike_seconds}`],
        ...varying(load),
      ]);
    case "trace":
      return part(
        [
          ["trace", "trace.csv"],
          ["trace-speed", load.speed],
        ],
        "the trace (put it into trace.csv)",
      );
  }
}

function part(options: Option[], ...missing: string[]): CliPart {
  return { options, missing };
}

function varying(load: Varying): Option[] {
  return [
    ["arrival", load.arrival],
    ["burstiness", load.arrival === "gamma" ? load.burstiness : null],
    ["concurrency", load.max_in_flight],
  ];
}

function steps(pairs: readonly (readonly [level: number, seconds: number])[]): string {
  return pairs.map(([level, seconds]) => `${level}:${seconds}`).join(",");
}

export function workloadPart(workload: Workload): CliPart {
  switch (workload.kind) {
    case "prompt":
      return part([["prompt", workload.prompt]]);
    case "list": {
      const isPlain = workload.prompts.every((prompt) => typeof prompt === "string");
      const file = isPlain ? "prompts.txt" : "prompts.jsonl";
      return part([["dataset", file]], `the prompts (put them into ${file})`);
    }
    case "synthetic":
      return lengths(workload, madeUpMedia(workload));
    case "shared_prefix":
      return lengths(workload, [
        ["prefix-tokens", workload.prefix_tokens],
        ["prefix-groups", workload.groups],
        ["uniqueness", workload.uniqueness],
      ]);
    case "conversation":
      return lengths(workload, [["turns", workload.turns], ...thinking(workload.think_time)]);
    case "conversation_list":
      return part(
        [["dataset", "conversations.json"], ["turns", "all"], ...thinking(workload.think_time)],
        "the conversations (put them into conversations.json)",
      );
    case "embeddings": {
      const common: Option[] = [
        ["embeddings", ""],
        ["batch-size", workload.batch_size],
      ];
      if (workload.texts) return part([["dataset", "texts.txt"], ...common], "the texts (put them into texts.txt)");
      return lengths({ ...workload, input_tokens: workload.input_tokens ?? 0 }, common);
    }
    case "trace":
      return part([["trace", "trace.csv"]], "the recorded lengths (put them into trace.csv)");
  }
}

function madeUpMedia({ images, audio }: Extract<Workload, { kind: "synthetic" }>): Option[] {
  const isSized = images && (images.width !== undefined || images.height !== undefined);
  return [
    ["images", images ? (images.count ?? 1) : null],
    ["image-size", isSized ? `${images.width ?? 512}x${images.height ?? 512}` : null],
    ["audio-seconds", audio?.seconds],
  ];
}

function thinking(think: Extract<Workload, { kind: "conversation" }>["think_time"]): Option[] {
  return [
    ["think-seconds", think?.mean_seconds],
    ["think-distribution", think?.distribution],
  ];
}

interface MadeUp {
  input_tokens: Length;
  output_tokens?: Length;
  words_per_token?: number | null;
}

function lengths(madeUp: MadeUp, more: Option[] = []): CliPart {
  const missing: string[] = [];
  const write = (name: string, value: Length | undefined): Option => {
    if (value === undefined || typeof value === "number") return [name, value];
    if (value.kind === "empirical") {
      missing.push(`the ${name.replace("-tokens", "")} lengths (put them into ${name}.txt)`);
      return [name, `empirical:${name}.txt`];
    }
    if (value.kind === "uniform") return [name, `uniform:${value.minimum}-${value.maximum}`];
    const isCut = value.minimum !== undefined || value.maximum !== undefined;
    const cut = isCut ? `,${value.minimum ?? 1}-${value.maximum ?? 1_000_000}` : "";
    return [name, `${value.kind}:${value.mean},${value.stdev}${cut}`];
  };
  const options: Option[] = [
    write("input-tokens", madeUp.input_tokens),
    write("output-tokens", madeUp.output_tokens),
    ...more,
    ["words-per-token", madeUp.words_per_token],
  ];
  return { options, missing };
}

export function explorePart(explore: Explore | null | undefined): CliPart {
  if (!explore) return part([]);
  if (explore.kind === "sweep") return part([["sweep", `${explore.parameter}=${explore.values.join(",")}`]]);
  return part([
    ["search", `${explore.parameter}=${explore.minimum}..${explore.maximum}`],
    ...(explore.criteria ?? []).map(
      ({ metric, percentile, limit_ms }): Option => ["require", `p${percentile ?? 95} ${metric} < ${limit_ms}`],
    ),
    ["max-error-rate", explore.max_error_rate],
    ["confidence", explore.confidence],
    ["tolerance", explore.tolerance],
    ["max-points", explore.max_points],
  ]);
}

/** Below this, `--timeout` would shorten the other timeouts too. */
const LEAST_TIMEOUT_S = 120;
/** What the options say of parts that have them only for some fields. */
const SAID: Record<string, readonly string[]> = {
  sampling: ["stream", "system", "max_tokens", "temperature", "top_p"],
  retry: ["max_attempts"],
  timeouts: ["total_seconds"],
  window: ["warmup_seconds", "cooldown_seconds"],
  stop: ["requests", "duration_seconds"],
  slo: ["ttft_ms", "tpot_ms", "e2e_ms"],
  limits: ["requests_per_minute", "tokens_per_minute"],
};
const WHOLE = [
  ...["name", "tags", "targets", "workload", "load", "explore", "budget_usd", "seed", "workers"],
  ...["save_responses", "propagate_trace"],
];
/** Fields of loads, workloads and explorations that the options above say, or that are said by being there. */
const INNER: Record<string, readonly string[]> = {
  load: [
    ...["kind", "concurrency", "ramp_up_seconds", "steps", "rate", "max_in_flight", "burstiness", "from_rate"],
    ...["to_rate", "seconds", "curve", "arrival", "spike_rate", "spike_at_seconds", "spike_seconds", "at_seconds"],
    "speed",
  ],
  workload: [
    ...["kind", "prompt", "prompts", "input_tokens", "output_tokens", "words_per_token", "groups", "prefix_tokens"],
    ...["uniqueness", "turns", "think_time", "conversations", "texts", "batch_size", "requests", "images", "audio"],
  ],
  explore: [
    ...["kind", "parameter", "values", "minimum", "maximum", "criteria", "max_error_rate", "confidence", "tolerance"],
    "max_points",
  ],
};

/** What no option can say: of every part the fields that have none. */
export function withoutOption(spec: BenchmarkSpec): string[] {
  const { targets, timeouts, workload, load } = spec;
  const missing: string[] = [];
  for (const [part, value] of Object.entries(spec)) {
    const said = SAID[part] ?? INNER[part];
    if (said && typeof value === "object" && value !== null) {
      missing.push(
        ...Object.keys(value)
          .filter((name) => !said.includes(name))
          .map((name) => `${part}.${name}`),
      );
    } else if (!said && !WHOLE.includes(part)) missing.push(part);
  }
  if (targets.length > 1) missing.push("further targets");
  const total = timeouts?.total_seconds;
  if (total != null && total < LEAST_TIMEOUT_S) missing.push("timeouts.total_seconds");
  if (workload.kind === "synthetic" && workload.audio?.sample_rate_hz != null) {
    missing.push("workload.audio.sample_rate_hz");
  }
  // `--concurrency` with a rate is the cap; a gamma without a burstiness would be refused.
  if (load.kind === "closed_steps" && load.steps.some((step) => !Number.isInteger(step.concurrency))) {
    missing.push("load.steps");
  }
  if (spec.stop?.requests == null && spec.stop?.duration_seconds == null) missing.push("stop");
  return missing;
}
