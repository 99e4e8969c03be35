/** What every part of the form gets: the draft, how to change it, and what is wrong by path. */

import type { Draft } from "./draft";
import type { Problems } from "./problems";

export interface FormProps {
  draft: Draft;
  change: (part: Partial<Draft>) => void;
  problems: Problems;
}

/** The paths that the form has a field for, given the kinds chosen now. */
export function fieldPaths(draft: Draft): string[] {
  const workload = { prompt: ["prompt"], list: ["prompts"], synthetic: ["input_tokens", "output_tokens"] }[
    draft.workloadKind
  ];
  const load = draft.loadKind === "closed" ? ["concurrency"] : ["rate", "max_in_flight"];
  return [
    "name",
    "tags",
    ...draft.targets.flatMap((_, index) => [`targets.${index}.provider`, `targets.${index}.model`]),
    ...workload.map((field) => `workload.${field}`),
    ...load.map((field) => `load.${field}`),
    "stop.requests",
    "stop.duration_seconds",
    ...["ttft_ms", "tpot_ms", "e2e_ms"].map((field) => `slo.${field}`),
    ...["system", "max_tokens", "temperature", "top_p", "stop", "seed", "extra"].map((field) => `sampling.${field}`),
    ...["max_attempts", "base_delay_ms", "max_delay_ms"].map((field) => `retry.${field}`),
    ...["connect", "first_token", "between_chunks", "total"].map((field) => `timeouts.${field}_seconds`),
    "seed",
    "workers",
  ];
}
