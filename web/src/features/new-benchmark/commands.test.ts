import { describe, expect, it } from "vitest";
import type { BenchmarkSpec } from "../../api/types";
import { asCli, asCurl, asGraphql, quote } from "./commands";

const SPEC: BenchmarkSpec = {
  name: "it's",
  targets: [{ provider: "demo", model: "m" }],
  workload: { kind: "synthetic", input_tokens: 512, output_tokens: 128 },
  load: { kind: "poisson", rate: 2.5 },
  stop: { duration_seconds: 60 },
};

describe("commands", () => {
  it("quotes words for a shell", () => {
    expect(quote("http://127.0.0.1:8080/v1")).toBe("http://127.0.0.1:8080/v1");
    expect(quote("two words")).toBe("'two words'");
    expect(quote("it's $HOME")).toBe("'it'\\''s $HOME'");
    expect(quote("")).toBe("''");
  });

  it("puts the spec into curl", () => {
    const text = asCurl(SPEC, "http://h:1");
    expect(text).toContain("-X POST http://h:1/api/v1/benchmarks");
    expect(text).toContain('"name": "it\'\\\'\'s"');
    expect(text).toContain("$LLM_TEST_BENCH_API_KEY");
  });

  it("gives the command line the same run", () => {
    const { command, missing } = asCli(SPEC, "http://h:1");
    expect(command.split(/ \\\n {2}/)).toEqual([
      "llm-test-bench bench",
      "--server http://h:1",
      "--provider demo",
      "--model m",
      "--name 'it'\\''s'",
      "--rate 2.5",
      "--arrival poisson",
      "--duration 60",
      "--input-tokens 512",
      "--output-tokens 128",
    ]);
    expect(missing).toEqual([]);
  });

  it("says what the command line cannot express", () => {
    const { command, missing } = asCli(
      {
        ...SPEC,
        slo: { ttft_ms: 5 },
        tags: ["a", "b"],
        timeouts: { total_seconds: 5, connect_seconds: 1 },
        save_gaps: false,
      },
      "http://h:1",
    );
    expect(command).toContain("--spec - <<'SPEC'\n{");
    expect(command.endsWith("\n}\nSPEC")).toBe(true);
    expect(missing).toEqual(["timeouts.connect_seconds", "save_gaps", "timeouts.total_seconds"]);
  });

  it.each<[Partial<BenchmarkSpec>, string[]]>([
    [{ load: { kind: "closed", concurrency: 8, ramp_up_seconds: 20 } }, ["--concurrency 8", "--ramp-up 20"]],
    [
      { load: { kind: "gamma", rate: 2, burstiness: 0.5, max_in_flight: 9 } },
      ["--rate 2", "--arrival gamma", "--burstiness 0.5", "--concurrency 9"],
    ],
    [
      { load: { kind: "ramp", from_rate: 1, to_rate: 10, seconds: 60, curve: "exponential" } },
      ["--rate 1", "--ramp-to 10", "--ramp-seconds 60", "--ramp-curve exponential"],
    ],
    [
      {
        load: {
          kind: "steps",
          steps: [
            { rate: 2, seconds: 30 },
            { rate: 8, seconds: 5 },
          ],
        },
      },
      ["--rate-steps 2:30,8:5"],
    ],
    [{ load: { kind: "closed_steps", steps: [{ concurrency: 2, seconds: 30 }] } }, ["--concurrency-steps 2:30"]],
    [
      { load: { kind: "spike", rate: 1, spike_rate: 9, spike_at_seconds: 5, spike_seconds: 3, arrival: "constant" } },
      ["--rate 1", "--spike 9@5+3", "--arrival constant"],
    ],
    [
      {
        workload: {
          kind: "synthetic",
          input_tokens: { kind: "lognormal", mean: 512, stdev: 200 },
          output_tokens: { kind: "normal", mean: 9, stdev: 1, maximum: 20 },
        },
      },
      ["--input-tokens lognormal:512,200", "--output-tokens normal:9,1,1-20"],
    ],
    [
      {
        workload: {
          kind: "synthetic",
          input_tokens: 9,
          output_tokens: 5,
          images: { count: 2, width: 640 },
          audio: { seconds: 1.5 },
        },
      },
      ["--images 2", "--image-size 640x512", "--audio-seconds 1.5"],
    ],
    [
      {
        workload: {
          kind: "shared_prefix",
          groups: 4,
          prefix_tokens: 99,
          input_tokens: { kind: "uniform", minimum: 1, maximum: 5 },
          output_tokens: 7,
        },
      },
      ["--input-tokens uniform:1-5", "--output-tokens 7", "--prefix-tokens 99", "--prefix-groups 4"],
    ],
    [
      {
        workload: {
          kind: "conversation",
          turns: 3,
          input_tokens: 5,
          output_tokens: 6,
          think_time: { mean_seconds: 2 },
        },
      },
      ["--input-tokens 5", "--output-tokens 6", "--turns 3", "--think-seconds 2"],
    ],
    [
      { workload: { kind: "embeddings", input_tokens: 5, batch_size: 8 } },
      ["--input-tokens 5", "--embeddings", "--batch-size 8"],
    ],
    [{ explore: { kind: "sweep", parameter: "rate", values: [1, 2.5] } }, ["--arrival poisson", "--sweep rate=1,2.5"]],
    [
      {
        load: { kind: "closed", concurrency: 64 },
        explore: {
          kind: "search",
          parameter: "concurrency",
          minimum: 1,
          maximum: 64,
          criteria: [{ metric: "ttft_ms", percentile: 95, limit_ms: 500 }],
          max_error_rate: 0.01,
        },
      },
      ["--search concurrency=1..64", "--require 'p95 ttft_ms < 500'", "--max-error-rate 0.01"],
    ],
    [
      { limits: { requests_per_minute: 60, tokens_per_minute: 900 }, budget_usd: 5 },
      ["--max-requests-per-minute 60", "--max-tokens-per-minute 900", "--budget 5"],
    ],
  ])("says %j by its options", (part, expected) => {
    const { command, missing } = asCli({ ...SPEC, ...part }, "http://h:1");
    const lines = command.split(/ \\\n {2}/);
    expect(lines.filter((line) => expected.includes(line))).toEqual(expected);
    expect(missing).toEqual([]);
    if (part.explore) expect(command).not.toMatch(/--rate|--concurrency /);
  });

  it("gives a trace whole, because the server has no such file", () => {
    const { command, missing } = asCli(
      {
        ...SPEC,
        load: { kind: "trace", at_seconds: [0] },
        workload: { kind: "trace", requests: [{ input_tokens: 1, output_tokens: 1 }] },
        window: { warmup_seconds: 5 },
      },
      "http://h:1",
    );
    expect(command).toContain('"at_seconds": [');
    expect(missing).toContain("the trace (put it into trace.csv)");
  });

  it("reads a value that begins with a dash as a value", () => {
    const { command } = asCli({ ...SPEC, sampling: { system: "-v it's" } }, "http://h:1");
    expect(command).toContain("'--system=-v it'\\''s'");
  });

  it("posts a document over GraphQL", () => {
    const text = asGraphql(SPEC, "http://h:1");
    expect(text).toContain("-X POST http://h:1/graphql");
    expect(text).toContain('"kind": "poisson"');
  });

  it("shows no secret in any form", () => {
    for (const text of [asCurl(SPEC, "http://h:1"), asGraphql(SPEC, "http://h:1"), asCli(SPEC, "http://h:1").command]) {
      expect(text).not.toMatch(/ltb_/);
    }
  });
});
