/**
 * The commands of a few specs, as the form writes them, in a file that the Python tests run: what the shell makes of them
 * must be the same spec. `LTB_WRITE_COMMANDS=1 npx vitest run golden` writes it anew.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { BenchmarkSpec } from "../../api/types";
import { asCli, asCurl, asGraphql } from "./commands";

const FILE = `${import.meta.dirname}/../../../../tests/cli/printed_commands.json`;
const ORIGIN = "http://127.0.0.1:18080";

const BASE: BenchmarkSpec = {
  name: "plain",
  targets: [{ provider: "sim", model: "simulated" }],
  workload: { kind: "synthetic", input_tokens: 16, output_tokens: 4, words_per_token: 0.75 },
  load: { kind: "closed", concurrency: 2 },
  stop: { requests: 3 },
};

const SPECS: BenchmarkSpec[] = [
  BASE,
  {
    ...BASE,
    name: 'it\'s $HOME `id` \\ "quoted" ünï 雪',
    tags: ["a b", "-dash", "semi;colon"],
    workload: { kind: "prompt", prompt: "two\nlines\tand 'quotes' $(id) !! \\n %s" },
    sampling: { system: "-v --help", max_tokens: 5, temperature: 0, stream: false },
    slo: { ttft_ms: 0.5 },
    window: { warmup_seconds: 1, cooldown_seconds: 0.5 },
    timeouts: { total_seconds: 900 },
    retry: { max_attempts: 2 },
    limits: { requests_per_minute: 600 },
    seed: 9007199254740991,
    save_responses: true,
  },
  {
    ...BASE,
    load: { kind: "ramp", from_rate: 0.1, to_rate: 1e-5, seconds: 5, curve: "exponential", arrival: "constant" },
    stop: { duration_seconds: 3 },
  },
  {
    ...BASE,
    load: { kind: "spike", rate: 1, spike_rate: 9, spike_at_seconds: 0.5, spike_seconds: 1 },
    stop: { duration_seconds: 3 },
  },
  {
    ...BASE,
    load: {
      kind: "closed_steps",
      steps: [
        { concurrency: 1, seconds: 0.5 },
        { concurrency: 2, seconds: 1 },
      ],
    },
    stop: undefined,
  },
  { ...BASE, load: { kind: "gamma", rate: 2, burstiness: 0.25, max_in_flight: 7 } },
  {
    ...BASE,
    load: { kind: "closed", concurrency: 1 },
    stop: { requests: 400 },
    explore: {
      kind: "search",
      parameter: "concurrency",
      minimum: 1,
      maximum: 8,
      criteria: [{ metric: "e2e_from_intended_ms", percentile: 95, limit_ms: 250.5 }],
      max_error_rate: 0.01,
      max_points: 4,
    },
  },
  { ...BASE, load: { kind: "poisson", rate: 0.5 }, explore: { kind: "sweep", parameter: "rate", values: [0.5, 2] } },
  {
    ...BASE,
    workload: {
      kind: "conversation",
      turns: 2,
      input_tokens: { kind: "lognormal", mean: 9.5, stdev: 2, maximum: 30 },
      output_tokens: { kind: "uniform", minimum: 1, maximum: 4 },
      think_time: { mean_seconds: 0.01, distribution: "exponential" },
    },
  },
  {
    ...BASE,
    workload: { kind: "list", prompts: ["SPEC", "it's", "EOF\nSPEC\n", { prompt: "\u2028", output_tokens: 3 }] },
    sampling: { extra: { top_k: 40, "a'b": "$x" }, stop: ["\n"] },
  },
  {
    ...BASE,
    targets: [...BASE.targets, { provider: "sim", model: "other's" }],
    timeouts: { total_seconds: 30 },
    save_gaps: false,
    placement: ["region=eu"],
  },
  { ...BASE, workload: { kind: "embeddings", input_tokens: { kind: "empirical", values: [3, 5] }, batch_size: 2 } },
];

function printed() {
  return SPECS.map((spec) => ({
    spec,
    cli: asCli(spec, ORIGIN).command,
    curl: asCurl(spec, ORIGIN),
    graphql: asGraphql(spec, ORIGIN),
  }));
}

describe("the commands that the Python tests run", () => {
  it("are those that the form writes", () => {
    const text = `${JSON.stringify(printed(), null, 1)}\n`;
    if (process.env.LTB_WRITE_COMMANDS) writeFileSync(FILE, text);
    expect(readFileSync(FILE, "utf8")).toBe(text);
  });
});

describe("quoting", () => {
  /** A POSIX shell's reading of what `quote` writes: bare safe words, single quotes, and escaped single quotes. */
  function unquote(word: string): string {
    return word.replaceAll(
      /'([^']*)'|\\(.)|([A-Za-z0-9_@%+=:,./-])/gs,
      (_, inside, escaped, bare) => inside ?? escaped ?? bare,
    );
  }

  it("loses nothing of any text", async () => {
    const { quote } = await import("./commands");
    let state = 7;
    const next = (below: number) => {
      state = (state * 1103515245 + 12345) % 2147483648;
      return state % below;
    };
    const pool = [
      "'",
      '"',
      "\\",
      "$",
      "`",
      "!",
      " ",
      "\n",
      "\t",
      "-",
      "~",
      "*",
      "é",
      "雪",
      "a",
      "0",
      "#",
      "(",
      ";",
      "&",
    ];
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: next(12) }, () => pool[next(pool.length)]).join("");
      const word = quote(text);
      expect(unquote(word)).toBe(text);
      expect(word).toMatch(/^(?:[A-Za-z0-9_@%+=:,./-]+|'(?:[^']|'\\'')*')$/);
    }
  });
});
