/** From what was typed to the spec that is sent. Only what cannot be sent at all is refused here; the service judges the rest. */

import type { BenchmarkSpec, Target } from "../../api/types";
import { describeExplore, describeLoad, describeTargets, endsByItself } from "../../ui/describe";
import { fitting, withCarried } from "./carried";
import type { Carried, Draft } from "./draft";
import type { Problems } from "./problems";
import { compact, Reader } from "./reader";
import { readExplore, readLoad } from "./spec-load";
import { readWorkload } from "./spec-workload";

export interface Built {
  spec: BenchmarkSpec;
  /** By path, for fields whose text is no value. */
  problems: Problems;
  /** By path, for what has to be filled in yet. */
  missing: Problems;
  /** The paths that the form has a field for, given the kinds chosen now. */
  paths: readonly string[];
}

function targets(draft: Draft, reader: Reader): Target[] {
  return draft.targets.map((target, index) => {
    const provider = reader.field(`targets.${index}.provider`, target.provider.trim());
    const model = reader.field(`targets.${index}.model`, target.model.trim());
    if (!provider) reader.missing[`targets.${index}.provider`] = "choose a provider";
    if (!model) reader.missing[`targets.${index}.model`] = "choose or type a model";
    return { provider, model };
  });
}

/** The name that a run gets when none was typed. */
export function suggestedName(spec: Pick<BenchmarkSpec, "targets" | "load" | "explore">): string {
  const target = spec.targets[0]?.model ? describeTargets(spec.targets) : "benchmark";
  return `${target}, ${spec.explore ? describeExplore(spec.explore) : describeLoad(spec.load)}`.slice(0, 200);
}

export function buildSpec(draft: Draft): Built {
  const reader = new Reader();
  const number = reader.number.bind(reader);
  const whole = reader.whole.bind(reader);
  const explore = readExplore(draft, reader);
  const parts = {
    targets: targets(draft, reader),
    workload: readWorkload(draft, reader),
    load: readLoad(draft, explore, reader),
  };
  const tags = words(reader.field("tags", draft.tags));
  const stop = compact({
    requests: whole("stop.requests", draft.requests),
    duration_seconds: number("stop.duration_seconds", draft.durationSeconds),
  });
  if (!stop && !endsByItself(parts.load)) {
    reader.missing["stop.requests"] = "give a number of requests, a duration, or both";
  }
  const stopTexts = reader.field("sampling.stop", draft.stopTexts.split("\n")).filter((text) => text !== "");
  const placement = words(reader.field("placement", draft.placement));
  const spec: BenchmarkSpec = {
    name: reader.field("name", draft.name.trim()) || suggestedName({ ...parts, explore }),
    ...compact({ tags: tags.length > 0 ? tags : undefined }),
    ...parts,
    ...compact({
      stop,
      explore,
      window: draft.givesWindow
        ? compact({
            warmup_seconds: number("window.warmup_seconds", draft.warmupSeconds),
            cooldown_seconds: number("window.cooldown_seconds", draft.cooldownSeconds),
          })
        : undefined,
      slo: compact({
        ttft_ms: number("slo.ttft_ms", draft.sloTtftMs),
        tpot_ms: number("slo.tpot_ms", draft.sloTpotMs),
        e2e_ms: number("slo.e2e_ms", draft.sloE2eMs),
      }),
      sampling: compact({
        stream: draft.stream ? undefined : false,
        system: reader.field("sampling.system", draft.system.trim()) || undefined,
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
      limits: compact({
        requests_per_minute: number("limits.requests_per_minute", draft.requestsPerMinute),
        tokens_per_minute: number("limits.tokens_per_minute", draft.tokensPerMinute),
      }),
      budget_usd: number("budget_usd", draft.budgetUsd),
      seed: whole("seed", draft.seed),
      workers: whole("workers", draft.workers),
      placement: placement.length > 0 ? placement : undefined,
      save_responses: draft.saveResponses ? true : undefined,
      save_gaps: draft.saveGaps ? undefined : false,
      propagate_trace: draft.propagateTrace ? true : undefined,
    }),
  };
  const carried = fitting(draft.carried, spec);
  return {
    spec: withCarried(spec, carried),
    problems: reader.problems,
    missing: without(reader.missing, carried),
    paths: reader.paths,
  };
}

/** What is carried need not be filled in. */
function without(missing: Problems, carried: readonly Carried[]): Problems {
  return Object.fromEntries(
    Object.entries(missing).filter(
      ([path]) => !carried.some((one) => path === one.path || one.path.startsWith(`${path}.`)),
    ),
  );
}

function words(text: string): string[] {
  return text
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
}
