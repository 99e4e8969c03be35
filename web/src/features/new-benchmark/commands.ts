/** What is being built, as commands for a shell. */

import type { BenchmarkSpec } from "../../api/types";

/** A word as a POSIX shell reads it unchanged. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function command(words: readonly string[][]): string {
  return words.map((line) => line.join(" ")).join(" \\\n  ");
}

export function asCurl(spec: unknown, origin: string): string {
  return command([
    ["curl", "-sS", "-X", "POST", quote(`${origin}/api/v1/benchmarks`)],
    ["-H", '"Authorization: Bearer $LLM_TEST_BENCH_API_KEY"'],
    ["-H", quote("Content-Type: application/json")],
    ["--data", quote(JSON.stringify(spec, null, 2))],
  ]);
}

export interface CliPreview {
  command: string;
  /** Parts of the spec that the command line has no option for. */
  missing: string[];
}

type Option = [name: string, value: string | number | null | undefined];

/** `llm-test-bench bench --server …`, which submits to this service. */
export function asCli(spec: BenchmarkSpec, origin: string): CliPreview {
  const target = spec.targets[0];
  const sampling = spec.sampling ?? {};
  const options: Option[] = [
    ["server", origin],
    ["provider", target?.provider],
    ["model", target?.model],
    ["name", spec.name],
    ...(spec.tags ?? []).map((tag): Option => ["tag", tag]),
    ...loadOptions(spec.load),
    ["requests", spec.stop?.requests],
    ["duration", spec.stop?.duration_seconds],
    ...workloadOptions(spec.workload),
    ["system", sampling.system],
    ["max-tokens", sampling.max_tokens],
    ["temperature", sampling.temperature],
    ["top-p", sampling.top_p],
    ["timeout", spec.timeouts?.total_seconds],
    ["max-attempts", spec.retry?.max_attempts],
    ["slo-ttft-ms", spec.slo?.ttft_ms],
    ["slo-tpot-ms", spec.slo?.tpot_ms],
    ["slo-e2e-ms", spec.slo?.e2e_ms],
    ["seed", spec.seed],
    ["workers", spec.workers],
  ];
  const given = options.flatMap(([name, value]) =>
    value === undefined || value === null || value === "" ? [] : [[`--${name}`, quote(String(value))]],
  );
  if (sampling.stream === false) given.push(["--no-stream"]);
  if (spec.save_responses) given.push(["--save-responses"]);
  return { command: command([["llm-test-bench", "bench"], ...given]), missing: withoutOption(spec) };
}

function loadOptions(load: BenchmarkSpec["load"]): Option[] {
  if (load.kind === "closed") return [["concurrency", load.concurrency]];
  if (load.kind !== "constant" && load.kind !== "poisson") return [];
  return [
    ["rate", load.rate],
    ["arrival", load.kind],
    ["concurrency", load.max_in_flight],
  ];
}

function workloadOptions(workload: BenchmarkSpec["workload"]): Option[] {
  switch (workload.kind) {
    case "prompt":
      return [["prompt", workload.prompt]];
    case "list":
      return [["dataset", "prompts.txt"]];
    case "synthetic":
      return [
        ["input-tokens", typeof workload.input_tokens === "number" ? workload.input_tokens : null],
        ["output-tokens", typeof workload.output_tokens === "number" ? workload.output_tokens : null],
      ];
    default:
      return [];
  }
}

/** Parts of the spec that the command line cannot say, and what to do about it where something can be done. */
function withoutOption(spec: BenchmarkSpec): string[] {
  const { targets, workload, load, explore, sampling, retry, timeouts, window, limits, budget_usd, save_gaps } = spec;
  const missing: string[] = [];
  if (!["closed", "constant", "poisson"].includes(load.kind)) missing.push("the shape of the load");
  if (load.kind === "closed" && load.ramp_up_seconds) missing.push("the time over which users join");
  if (!["prompt", "list", "synthetic"].includes(workload.kind)) missing.push("the workload");
  if (workload.kind === "synthetic" && typeof workload.input_tokens === "object") missing.push("the input lengths");
  if (workload.kind === "synthetic" && typeof workload.output_tokens === "object") missing.push("the output lengths");
  if (workload.kind === "synthetic" && workload.words_per_token) missing.push("words per token");
  if (explore) missing.push(explore.kind === "sweep" ? "the levels of the sweep" : "the search");
  if (window) missing.push("the steady window");
  if (limits) missing.push("the client's limits");
  if (budget_usd) missing.push("the budget");
  if (targets.length > 1) missing.push("further targets");
  if (workload.kind === "list") missing.push("the prompts (put them into prompts.txt)");
  if (sampling?.stop || sampling?.seed !== undefined || sampling?.extra)
    missing.push("stop texts, model seed and further fields");
  if (retry?.base_delay_ms !== undefined || retry?.max_delay_ms !== undefined) missing.push("pauses between attempts");
  if (Object.keys(timeouts ?? {}).some((name) => name !== "total_seconds"))
    missing.push("all timeouts but the whole request's");
  if (save_gaps === false) missing.push("dropping the chunk gaps");
  return missing;
}
