import { describe, expect, it } from "vitest";
import type { Explore, Load, Stop, Workload } from "../api/types";
import {
  describeExplore,
  describeExploredLoad,
  describeLevel,
  describeLoad,
  describeStop,
  describeWorkload,
  endsByItself,
} from "./describe";

describe("loads", () => {
  it.each<[Load, string]>([
    [{ kind: "closed", concurrency: 1 }, "1 user"],
    [{ kind: "closed", concurrency: 64, ramp_up_seconds: 90 }, "64 users, joining over 90.0 s"],
    [{ kind: "constant", rate: 2.5 }, "2.50 req/s"],
    [{ kind: "poisson", rate: 5 }, "Poisson 5.00 req/s"],
    [{ kind: "gamma", rate: 5, burstiness: 0.5 }, "gamma (0.500) 5.00 req/s"],
    [{ kind: "ramp", from_rate: 1, to_rate: 10, seconds: 60 }, "ramp 1.00 → 10.0 req/s in 60.0 s"],
    [
      { kind: "ramp", from_rate: 1, to_rate: 10, seconds: 600, curve: "exponential" },
      "exponential ramp 1.00 → 10.0 req/s in 10:00 min",
    ],
    [
      { kind: "spike", rate: 1, spike_rate: 9, spike_at_seconds: 5, spike_seconds: 5 },
      "1.00 req/s, spike of 9.00 for 5.00 s",
    ],
    [{ kind: "trace", at_seconds: [0, 1], speed: 2 }, "trace of 2 requests at 2.00×"],
    [
      {
        kind: "closed_steps",
        steps: [
          { concurrency: 4, seconds: 1 },
          { concurrency: 16, seconds: 1 },
        ],
      },
      "4 → 16 users",
    ],
    [
      { kind: "steps", arrival: "constant", steps: [1, 2, 3, 4, 5].map((rate) => ({ rate, seconds: 1 })) },
      "1.00 → … → 5.00, 5 steps, req/s",
    ],
    [{ kind: "steps", steps: [{ rate: 2, seconds: 1 }] }, "Poisson 2.00 req/s"],
  ])("%j", (load, words) => expect(describeLoad(load)).toBe(words));

  it.each<[Load, string]>([
    [{ kind: "closed", concurrency: 8 }, "users"],
    [{ kind: "poisson", rate: 8 }, "Poisson arrivals"],
  ])("leave their level out when an exploration sets it: %j", (load, words) =>
    expect(describeExploredLoad(load)).toBe(words),
  );

  it("say which of them end by themselves", () => {
    expect(endsByItself({ kind: "trace", at_seconds: [0] })).toBe(true);
    expect(endsByItself({ kind: "spike", rate: 1, spike_rate: 2, spike_at_seconds: 0, spike_seconds: 1 })).toBe(false);
  });
});

describe("workloads", () => {
  it.each<[Workload, string]>([
    [{ kind: "list", prompts: ["a"] }, "1 prompt in turn"],
    [
      {
        kind: "synthetic",
        input_tokens: { kind: "lognormal", mean: 512, stdev: 128 },
        output_tokens: { kind: "uniform", minimum: 10, maximum: 1_000 },
      },
      "synthetic, lognormal 512 ± 128 → 10 to 1,000 tokens",
    ],
    [
      { kind: "shared_prefix", groups: 8, prefix_tokens: 4_096, input_tokens: 64, output_tokens: 32 },
      "8 prefixes of 4,096 + 64 → 32 tokens",
    ],
    [
      {
        kind: "conversation",
        turns: 4,
        input_tokens: 64,
        output_tokens: { kind: "empirical", values: [1, 2] },
        think_time: { mean_seconds: 3, distribution: "exponential" },
      },
      "conversations of 4 turns, 64 → drawn from 2 lengths tokens each, thinking about 3.00 s",
    ],
    [{ kind: "conversation_list", conversations: [[{ role: "user", content: "x" }]] }, "1 given conversation"],
    [{ kind: "embeddings", input_tokens: 64, batch_size: 8 }, "embeddings of 64 tokens, 8 a request"],
    [{ kind: "embeddings", texts: ["a", "b"] }, "embeddings of 2 texts"],
    [{ kind: "trace", requests: [{ input_tokens: 1, output_tokens: 1 }] }, "lengths of 1 recorded requests"],
  ])("%j", (workload, words) => expect(describeWorkload(workload)).toBe(words));
});

describe("explorations", () => {
  it.each<[Explore, string]>([
    [{ kind: "sweep", parameter: "rate", values: [1, 2.5] }, "sweep over 1.00, 2.50 req/s"],
    [
      {
        kind: "search",
        parameter: "concurrency",
        minimum: 1,
        maximum: 64,
        criteria: [{ metric: "ttft_ms", percentile: 95, limit_ms: 500 }],
        max_error_rate: 0.01,
      },
      "search of the highest from 1 to 64 users with ttft p95 ≤ 500 ms and errors ≤ 1.00 %",
    ],
  ])("%j", (explore, words) => expect(describeExplore(explore)).toBe(words));

  it("levels carry their unit", () => {
    expect([describeLevel("rate", 2), describeLevel("concurrency", 1)]).toEqual(["2.00 req/s", "1 user"]);
  });
});

describe("stop rules", () => {
  it.each<[Stop | undefined, string]>([
    [{ requests: 1 }, "1 request"],
    [{ requests: 1_000, duration_seconds: 60 }, "1,000 requests or 60.0 s"],
    [undefined, ""],
  ])("%j", (stop, words) => expect(describeStop(stop)).toBe(words));
});
