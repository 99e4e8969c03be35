/** From what was typed to the spec that is sent. Only what cannot be sent at all is refused here; the service judges the rest. */

import type { BenchmarkSpec, Load, Target, Workload } from "../../api/types";
import { describeLoad, describeTargets } from "../../ui/describe";
import type { Draft } from "./draft";
import type { Problems } from "./problems";

export interface Built {
  spec: BenchmarkSpec;
  /** By path, for fields whose text is no value. */
  problems: Problems;
}

/** Drops entries without a value, and the whole object when nothing is left. */
function compact<Part extends object>(part: Part): Partial<Part> | undefined {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? (Object.fromEntries(entries) as Partial<Part>) : undefined;
}

function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

class Reader {
  readonly problems: Problems = {};

  /** A number, or undefined for an empty field. */
  number(path: string, text: string): number | undefined {
    const trimmed = text.trim().replaceAll(/[\s,_](?=\d{3}\b)/g, "");
    if (trimmed === "") return undefined;
    const value = Number(trimmed);
    if (Number.isFinite(value)) return value;
    this.problems[path] = "must be a number";
    return undefined;
  }

  whole(path: string, text: string): number | undefined {
    const value = this.number(path, text);
    if (value === undefined || Number.isSafeInteger(value)) return value;
    this.problems[path] = Number.isInteger(value)
      ? "must be below 9,007,199,254,740,992 here"
      : "must be a whole number";
    return undefined;
  }

  required(path: string, value: number | undefined): number {
    if (value === undefined) this.problems[path] ??= "is needed";
    return value ?? 0;
  }

  object(path: string, text: string): Record<string, unknown> | undefined {
    if (text.trim() === "") return undefined;
    try {
      const value: unknown = JSON.parse(text);
      if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
      this.problems[path] = 'must be a JSON object, e.g. {"top_k": 40}';
    } catch (reason) {
      this.problems[path] = `is not JSON: ${reason instanceof Error ? reason.message : String(reason)}`;
    }
    return undefined;
  }
}

function workload(draft: Draft, reader: Reader): Workload {
  switch (draft.workloadKind) {
    case "prompt":
      return { kind: "prompt", prompt: draft.prompt };
    case "list":
      return { kind: "list", prompts: lines(draft.prompts) };
    case "synthetic":
      return {
        kind: "synthetic",
        input_tokens: reader.required(
          "workload.input_tokens",
          reader.whole("workload.input_tokens", draft.inputTokens),
        ),
        output_tokens: reader.required(
          "workload.output_tokens",
          reader.whole("workload.output_tokens", draft.outputTokens),
        ),
      };
  }
}

function load(draft: Draft, reader: Reader): Load {
  if (draft.loadKind === "closed") {
    const concurrency = reader.required("load.concurrency", reader.whole("load.concurrency", draft.concurrency));
    return { kind: "closed", concurrency };
  }
  const rate = reader.required("load.rate", reader.number("load.rate", draft.rate));
  const cap = reader.whole("load.max_in_flight", draft.maxInFlight);
  return { kind: draft.loadKind, rate, ...(cap === undefined ? {} : { max_in_flight: cap }) };
}

function targets(draft: Draft, reader: Reader): Target[] {
  return draft.targets.map((target, index) => {
    const provider = target.provider.trim();
    const model = target.model.trim();
    if (!provider) reader.problems[`targets.${index}.provider`] = "choose a provider";
    if (!model) reader.problems[`targets.${index}.model`] = "choose or type a model";
    return { provider, model };
  });
}

/** The name that a run gets when none was typed. */
export function suggestedName(spec: Pick<BenchmarkSpec, "targets" | "load">): string {
  const target = spec.targets[0]?.model ? describeTargets(spec.targets) : "benchmark";
  return `${target}, ${describeLoad(spec.load)}`.slice(0, 200);
}

export function buildSpec(draft: Draft): Built {
  const reader = new Reader();
  const number = reader.number.bind(reader);
  const whole = reader.whole.bind(reader);
  const parts = { targets: targets(draft, reader), workload: workload(draft, reader), load: load(draft, reader) };
  const tags = draft.tags
    .split(",")
    .map((tag) => tag.trim())
    .filter(Boolean);
  const stop = compact({
    requests: whole("stop.requests", draft.requests),
    duration_seconds: number("stop.duration_seconds", draft.durationSeconds),
  });
  if (!stop && !reader.problems["stop.requests"]) {
    reader.problems["stop.requests"] ??= "give a number of requests, a duration, or both";
  }
  const stopTexts = draft.stopTexts.split("\n").filter((text) => text !== "");
  const spec: BenchmarkSpec = {
    name: draft.name.trim() || suggestedName(parts),
    ...compact({ tags: tags.length > 0 ? tags : undefined }),
    ...parts,
    stop: stop ?? {},
    ...compact({
      slo: compact({
        ttft_ms: number("slo.ttft_ms", draft.sloTtftMs),
        tpot_ms: number("slo.tpot_ms", draft.sloTpotMs),
        e2e_ms: number("slo.e2e_ms", draft.sloE2eMs),
      }),
      sampling: compact({
        stream: draft.stream ? undefined : false,
        system: draft.system.trim() || undefined,
        max_tokens: whole("sampling.max_tokens", draft.maxTokens),
        temperature: number("sampling.temperature", draft.temperature),
        top_p: number("sampling.top_p", draft.topP),
        stop: stopTexts.length > 0 ? stopTexts : undefined,
        seed: whole("sampling.seed", draft.samplingSeed),
        extra: reader.object("sampling.extra", draft.extra),
      }),
      retry: compact({
        max_attempts: whole("retry.max_attempts", draft.maxAttempts),
        base_delay_ms: number("retry.base_delay_ms", draft.baseDelayMs),
        max_delay_ms: number("retry.max_delay_ms", draft.maxDelayMs),
      }),
      timeouts: compact({
        connect_seconds: number("timeouts.connect_seconds", draft.connectSeconds),
        first_token_seconds: number("timeouts.first_token_seconds", draft.firstTokenSeconds),
        between_chunks_seconds: number("timeouts.between_chunks_seconds", draft.betweenChunksSeconds),
        total_seconds: number("timeouts.total_seconds", draft.totalSeconds),
      }),
      seed: whole("seed", draft.seed),
      workers: whole("workers", draft.workers),
      save_responses: draft.saveResponses ? true : undefined,
      save_gaps: draft.saveGaps ? undefined : false,
    }),
  };
  return { spec, problems: reader.problems };
}
