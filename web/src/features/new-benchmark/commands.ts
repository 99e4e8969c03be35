/** What is being built, as commands for a shell. */

import type { BenchmarkSpec } from "../../api/types";
import { command, quote } from "../../ui/shell";
import { explorePart, loadPart, type Option, withoutOption, workloadPart } from "./cli-options";

export { quote };

export function asCurl(spec: unknown, origin: string): string {
  return command([
    ["curl", "-sS", "-X", "POST", quote(`${origin}/api/v1/benchmarks`)],
    ["-H", '"Authorization: Bearer $LLM_TEST_BENCH_API_KEY"'],
    ["-H", quote("Content-Type: application/json")],
    ["--data-binary", quote(JSON.stringify(spec, null, 2))],
  ]);
}

const MUTATION = "mutation ($spec: JSON!) { createBenchmark(input: {document: $spec}) { id status } }";

/** The same over GraphQL, as curl sends it. */
export function asGraphql(spec: unknown, origin: string): string {
  return command([
    ["curl", "-sS", "-X", "POST", quote(`${origin}/graphql`)],
    ["-H", '"Authorization: Bearer $LLM_TEST_BENCH_API_KEY"'],
    ["-H", quote("Content-Type: application/json")],
    ["--data-binary", quote(JSON.stringify({ query: MUTATION, variables: { spec } }, null, 2))],
  ]);
}

export interface CliPreview {
  command: string;
  /** Parts of the spec that the command line has no option for; then the spec itself is part of the command. */
  missing: string[];
}

const FLAGS = new Set(["embeddings"]);

/**
 * `llm-test-bench bench --server …`, which submits to this service: by options, or where those cannot say all of it, with
 * the spec on standard input. `shown` is what is written out of the spec then.
 */
export function asCli(spec: BenchmarkSpec, origin: string, shown: unknown = spec): CliPreview {
  const { command: options, missing } = byOptions(spec, origin);
  if (missing.length === 0) return { command: options, missing };
  // A line of JSON is never the bare word that ends it, and nothing in between means anything to the shell.
  const head = command([
    ["llm-test-bench", "bench"],
    ["--server", quote(origin)],
    ["--spec", "-", "<<'SPEC'"],
  ]);
  return { command: `${head}\n${JSON.stringify(shown, null, 2)}\nSPEC`, missing };
}

function byOptions(spec: BenchmarkSpec, origin: string): CliPreview {
  const target = spec.targets[0];
  const sampling = spec.sampling ?? {};
  const parts = [loadPart(spec.load, Boolean(spec.explore)), explorePart(spec.explore), workloadPart(spec.workload)];
  const [load, explore, workload] = parts.map((part) => part.options);
  const options: Option[] = [
    ["server", origin],
    ["provider", target?.provider],
    ["model", target?.model],
    ["name", spec.name],
    ...(spec.tags ?? []).map((tag): Option => ["tag", tag]),
    ...(load ?? []),
    ...(explore ?? []),
    ["requests", spec.stop?.requests],
    ["duration", spec.stop?.duration_seconds],
    ...(workload ?? []),
    ["system", sampling.system],
    ["max-tokens", sampling.max_tokens],
    ["temperature", sampling.temperature],
    ["top-p", sampling.top_p],
    ["warmup", spec.window?.warmup_seconds],
    ["cooldown", spec.window?.cooldown_seconds],
    ["timeout", spec.timeouts?.total_seconds],
    ["max-attempts", spec.retry?.max_attempts],
    ["max-requests-per-minute", spec.limits?.requests_per_minute],
    ["max-tokens-per-minute", spec.limits?.tokens_per_minute],
    ["budget", spec.budget_usd],
    ["slo-ttft-ms", spec.slo?.ttft_ms],
    ["slo-tpot-ms", spec.slo?.tpot_ms],
    ["slo-e2e-ms", spec.slo?.e2e_ms],
    ["seed", spec.seed],
    ["workers", spec.workers],
  ];
  const given = options.flatMap(([name, value]) => {
    if (FLAGS.has(name)) return [[`--${name}`]];
    if (value === undefined || value === null || value === "") return [];
    // A value that begins with a dash would be read as an option.
    const text = String(value);
    return [text.startsWith("-") ? [quote(`--${name}=${text}`)] : [`--${name}`, quote(text)]];
  });
  if (sampling.stream === false) given.push(["--no-stream"]);
  if (spec.save_responses) given.push(["--save-responses"]);
  if (spec.propagate_trace) given.push(["--propagate-trace"]);
  // A trace is both: when requests start, and what they are.
  const unique = given.filter(([name], index) => name !== "--trace" || given.findIndex(([n]) => n === name) === index);
  const missing = [...parts.flatMap((part) => part.missing), ...withoutOption(spec)];
  return { command: command([["llm-test-bench", "bench"], ...unique]), missing: [...new Set(missing)] };
}
