/** What is being built, as commands for a shell. */

import type { BenchmarkSpec } from "../../api/types";

/** A word as a POSIX shell reads it unchanged. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function command(words: readonly string[][]): string {
  return words.map((line) => line.join(" ")).join(" \\\n  ");
}

export function asCurl(spec: BenchmarkSpec, origin: string): string {
  return command([
    ["curl", "-sS", "-X", "POST", quote(`${origin}/api/v1/benchmarks`)],
    ["-H", '"Authorization: Bearer $LTB_API_KEY"'],
    ["-H", quote("Content-Type: application/json")],
    ["--data", quote(JSON.stringify(spec, null, 2))],
  ]);
}

export interface CliPreview {
  command: string;
  /** Parts of the spec that the command line has no option for. */
  missing: string[];
}

/** `llm-test-bench bench --server …`, which submits to this service. */
export function asCli(spec: BenchmarkSpec, origin: string): CliPreview {
  const missing: string[] = [];
  const [target, ...otherTargets] = spec.targets;
  const options: [string, string | number | null | undefined][] = [
    ["server", origin],
    ["provider", target?.provider],
    ["model", target?.model],
    ...loadOptions(spec.load),
    ["requests", spec.stop.requests],
    ["duration", spec.stop.duration_seconds],
    ...workloadOptions(spec.workload, missing),
    ["timeout", spec.timeouts?.total_seconds],
    ["seed", spec.seed],
    ["workers", spec.workers],
  ];
  if (otherTargets.length > 0) missing.push("more than one target");
  if ("max_in_flight" in spec.load) missing.push("max. in flight");
  if (spec.tags) missing.push("tags");
  if (spec.slo) missing.push("SLO limits");
  if (spec.sampling) missing.push("sampling");
  if (spec.retry) missing.push("retries");
  if (spec.timeouts && Object.keys(spec.timeouts).some((name) => name !== "total_seconds"))
    missing.push("other timeouts");
  if (spec.save_responses !== undefined || spec.save_gaps !== undefined) missing.push("what is kept");
  const given = options.flatMap(([name, value]) =>
    value === undefined || value === null || value === "" ? [] : [[`--${name}`, quote(String(value))]],
  );
  return { command: command([["llm-test-bench", "bench"], ...given]), missing };
}

function loadOptions(load: BenchmarkSpec["load"]): [string, string | number][] {
  if (load.kind === "closed") return [["concurrency", load.concurrency]];
  return [
    ["rate", load.rate],
    ["arrival", load.kind],
  ];
}

function workloadOptions(workload: BenchmarkSpec["workload"], missing: string[]): [string, string | number][] {
  switch (workload.kind) {
    case "prompt":
      return [["prompt", workload.prompt]];
    case "list":
      missing.push("the prompt list (put it into a file for --dataset)");
      return [];
    case "synthetic":
      return [
        ["input-tokens", workload.input_tokens],
        ["output-tokens", workload.output_tokens],
      ];
  }
}
