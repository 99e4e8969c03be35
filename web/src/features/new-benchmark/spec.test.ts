import { describe, expect, it } from "vitest";
import {
  type Draft,
  EMPTY_DRAFT,
  type ExploreDraft,
  type LengthDraft,
  type LoadDraft,
  type WorkloadDraft,
} from "./draft";
import { buildSpec } from "./spec";

const DRAFT: Draft = { ...EMPTY_DRAFT, targets: [{ provider: "demo", model: "m" }] };
const build = (part: Partial<Draft> = {}) => buildSpec({ ...DRAFT, ...part });
const withLoad = (part: Partial<LoadDraft>, more: Partial<Draft> = {}) =>
  build({ load: { ...DRAFT.load, ...part }, ...more });
const withWorkload = (part: Partial<WorkloadDraft>) => build({ workload: { ...DRAFT.workload, ...part } });
const explored = (part: Partial<ExploreDraft>, load: Partial<LoadDraft> = {}) =>
  withLoad(load, { explore: { ...DRAFT.explore, ...part } });
const length = (part: Partial<LengthDraft>): LengthDraft => ({ ...DRAFT.workload.inputTokens, ...part });

describe("buildSpec", () => {
  it("sends only what was filled in", () => {
    const { spec, problems } = build();
    expect(problems).toEqual({});
    expect(spec).toEqual({
      name: "demo / m, 8 users",
      targets: [{ provider: "demo", model: "m" }],
      workload: { kind: "prompt", prompt: DRAFT.workload.prompt },
      load: { kind: "closed", concurrency: 8 },
      stop: { requests: 100 },
    });
  });

  it("builds every part of the spec", () => {
    const { spec, problems } = build({
      name: " nightly ",
      tags: "a, b,,",
      targets: [
        { provider: "demo", model: "m" },
        { provider: "other", model: " n " },
      ],
      workload: {
        ...DRAFT.workload,
        kind: "synthetic",
        inputTokens: length({ tokens: "1,024" }),
        wordsPerToken: "0.75",
      },
      load: { ...DRAFT.load, kind: "poisson", rate: "2.5", maxInFlight: "64" },
      requests: "",
      durationSeconds: "90.5",
      sloTtftMs: "500",
      stream: false,
      system: "Be brief.",
      maxTokens: "10",
      temperature: "0",
      topP: "0.9",
      stopTexts: "END\n\n  ##",
      samplingSeed: "7",
      extra: '{"top_k": 40}',
      maxAttempts: "3",
      baseDelayMs: "100",
      maxDelayMs: "1000",
      connectSeconds: "1",
      firstTokenSeconds: "2",
      betweenChunksSeconds: "3",
      totalSeconds: "4",
      givesWindow: true,
      warmupSeconds: "10",
      cooldownSeconds: "2.5",
      requestsPerMinute: "600",
      tokensPerMinute: "90,000",
      budgetUsd: "5",
      seed: "5",
      workers: "2",
      saveResponses: true,
      saveGaps: false,
    });
    expect(problems).toEqual({});
    expect(spec).toEqual({
      name: "nightly",
      tags: ["a", "b"],
      targets: [
        { provider: "demo", model: "m" },
        { provider: "other", model: "n" },
      ],
      workload: { kind: "synthetic", input_tokens: 1024, output_tokens: 128, words_per_token: 0.75 },
      load: { kind: "poisson", rate: 2.5, max_in_flight: 64 },
      stop: { duration_seconds: 90.5 },
      slo: { ttft_ms: 500 },
      sampling: {
        stream: false,
        system: "Be brief.",
        max_tokens: 10,
        temperature: 0,
        top_p: 0.9,
        stop: ["END", "  ##"],
        seed: 7,
        extra: { top_k: 40 },
      },
      retry: { max_attempts: 3, base_delay_ms: 100, max_delay_ms: 1000 },
      timeouts: { connect_seconds: 1, first_token_seconds: 2, between_chunks_seconds: 3, total_seconds: 4 },
      window: { warmup_seconds: 10, cooldown_seconds: 2.5 },
      limits: { requests_per_minute: 600, tokens_per_minute: 90000 },
      budget_usd: 5,
      seed: 5,
      workers: 2,
      save_responses: true,
      save_gaps: false,
    });
  });

  it("names fields whose text is no value, by the paths of the service", () => {
    const { problems, missing } = build({
      targets: [{ provider: "", model: "" }],
      load: { ...DRAFT.load, concurrency: "many" },
      requests: "1.5",
      temperature: "warm",
      extra: "[1]",
      seed: "99999999999999999999",
    });
    expect(Object.keys(problems).sort()).toEqual([
      "load.concurrency",
      "sampling.extra",
      "sampling.temperature",
      "seed",
      "stop.requests",
    ]);
    expect(problems["load.concurrency"]).toBe("must be a number");
    expect(problems["stop.requests"]).toBe("must be a whole number");
    expect(Object.keys(missing)).toContain("targets.0.provider");
  });

  it("asks for what is missing", () => {
    expect(withLoad({ concurrency: "" }).missing["load.concurrency"]).toBe("is needed");
    expect(build({ requests: "", durationSeconds: "" }).missing["stop.requests"]).toContain("duration");
    expect(build({ extra: "{" }).problems["sampling.extra"]).toContain("is not JSON");
  });
});

describe("loads", () => {
  const load = (part: Partial<LoadDraft>) => withLoad(part).spec.load;

  it.each<[string, Partial<LoadDraft>, object]>([
    [
      "users that join",
      { kind: "closed", rampUpSeconds: "20" },
      { kind: "closed", concurrency: 8, ramp_up_seconds: 20 },
    ],
    [
      "steps of users",
      { kind: "closed_steps" },
      {
        kind: "closed_steps",
        steps: [
          { concurrency: 4, seconds: 30 },
          { concurrency: 16, seconds: 30 },
        ],
      },
    ],
    ["bursts", { kind: "gamma", burstiness: "0.2" }, { kind: "gamma", rate: 5, burstiness: 0.2 }],
    [
      "a ramp",
      { kind: "ramp", curve: "exponential", arrival: "constant" },
      { kind: "ramp", from_rate: 1, to_rate: 10, seconds: 60, curve: "exponential", arrival: "constant" },
    ],
    [
      "steps",
      { kind: "steps", arrival: "gamma", burstiness: "2", rateSteps: [{ level: "3", seconds: "7" }] },
      { kind: "steps", steps: [{ rate: 3, seconds: 7 }], arrival: "gamma", burstiness: 2 },
    ],
    [
      "a spike",
      { kind: "spike", maxInFlight: "9" },
      { kind: "spike", rate: 5, spike_rate: 20, spike_at_seconds: 20, spike_seconds: 10, max_in_flight: 9 },
    ],
    [
      "a trace",
      { kind: "trace", atSeconds: "[0, 0.5,\n 2]", speed: "2" },
      { kind: "trace", at_seconds: [0, 0.5, 2], speed: 2 },
    ],
  ])("builds %s", (_, part, expected) => expect(load(part)).toEqual(expected));

  it("needs no stop rule where the load ends by itself", () => {
    const steps = withLoad({ kind: "steps" }, { requests: "" });
    expect(steps.missing).toEqual({});
    expect(steps.spec.stop).toBeUndefined();
    expect(withLoad({ kind: "ramp" }, { requests: "" }).missing["stop.requests"]).toBeDefined();
  });

  it("has a field for every part of the kind that is chosen, and for no other", () => {
    const { paths } = withLoad({ kind: "steps", arrival: "gamma" });
    expect(paths).toEqual(expect.arrayContaining(["load.steps.1.rate", "load.steps.1.seconds", "load.burstiness"]));
    expect(paths).not.toContain("load.concurrency");
    expect(paths).not.toContain("load.rate");
  });
});

describe("workloads", () => {
  it("takes a prompt list line by line, or out of a file", () => {
    expect(withWorkload({ kind: "list", prompts: "one\n\n two \n" }).spec.workload).toEqual({
      kind: "list",
      prompts: ["one", "two"],
    });
    const promptFile = { name: "p.jsonl", items: ["a", { prompt: "b", output_tokens: 5 }] };
    expect(withWorkload({ kind: "list", prompts: "ignored", promptFile }).spec.workload).toEqual({
      kind: "list",
      prompts: promptFile.items,
    });
    expect(withWorkload({ kind: "list" }).missing["workload.prompts"]).toContain("a file");
  });

  it.each<[Partial<LengthDraft>, unknown]>([
    [{ kind: "fixed", tokens: "7" }, 7],
    [
      { kind: "normal", mean: "512", stdev: "9" },
      { kind: "normal", mean: 512, stdev: 9 },
    ],
    [
      { kind: "lognormal", mean: "5.5", stdev: "0", minimum: "2", maximum: "90" },
      { kind: "lognormal", mean: 5.5, stdev: 0, minimum: 2, maximum: 90 },
    ],
    [
      { kind: "uniform", minimum: "1", maximum: "3" },
      { kind: "uniform", minimum: 1, maximum: 3 },
    ],
    [
      { kind: "empirical", values: "1, 2;3" },
      { kind: "empirical", values: [1, 2, 3] },
    ],
    [
      { kind: "empirical", values: "1 2", weights: "0.5, 2" },
      { kind: "empirical", values: [1, 2], weights: [0.5, 2] },
    ],
  ])("builds the lengths %j", (part, expected) => {
    const { spec, problems, missing } = withWorkload({ kind: "synthetic", inputTokens: length(part) });
    expect(spec.workload).toEqual({ kind: "synthetic", input_tokens: expected, output_tokens: 128 });
    expect({ ...problems, ...missing }).toEqual({});
  });

  it("makes up images and a sound where they are asked for", () => {
    const { spec, missing } = withWorkload({
      kind: "synthetic",
      imageCount: "2",
      imageWidth: "640",
      audioSeconds: "1.5",
    });
    expect(spec.workload).toMatchObject({ images: { count: 2, width: 640 }, audio: { seconds: 1.5 } });
    expect(missing).toEqual({});
    expect(withWorkload({ kind: "synthetic", imageHeight: "9" }).missing).toHaveProperty("workload.images.count");
  });

  it("says which number of a list is none", () => {
    const { problems } = withWorkload({
      kind: "synthetic",
      inputTokens: length({ kind: "empirical", values: "1, x" }),
    });
    expect(problems["workload.input_tokens.values"]).toContain("“x” is not a whole number");
  });

  it.each<[string, Partial<WorkloadDraft>, object]>([
    [
      "shared prefixes",
      { kind: "shared_prefix", uniqueness: "25" },
      {
        kind: "shared_prefix",
        groups: 8,
        prefix_tokens: 1024,
        input_tokens: 512,
        output_tokens: 128,
        uniqueness: 0.25,
      },
    ],
    [
      "conversations",
      { kind: "conversation", thinkSeconds: "3", thinkDistribution: "exponential" },
      {
        kind: "conversation",
        turns: 4,
        input_tokens: 512,
        output_tokens: 128,
        think_time: { mean_seconds: 3, distribution: "exponential" },
      },
    ],
    [
      "given conversations",
      { kind: "conversation_list", conversations: '[[{"role": "user", "content": "hi"}]]' },
      { kind: "conversation_list", conversations: [[{ role: "user", content: "hi" }]] },
    ],
    [
      "made-up embeddings",
      { kind: "embeddings", batchSize: "4" },
      { kind: "embeddings", input_tokens: 512, batch_size: 4 },
    ],
    [
      "given embeddings",
      { kind: "embeddings", embedsTexts: true, texts: "a\nb" },
      { kind: "embeddings", texts: ["a", "b"] },
    ],
    [
      "recorded lengths",
      { kind: "trace", traceRequests: '[{"input_tokens": 5, "output_tokens": 6}]', blockTokens: "16" },
      { kind: "trace", requests: [{ input_tokens: 5, output_tokens: 6 }], block_tokens: 16 },
    ],
  ])("builds %s", (_, part, expected) => expect(withWorkload(part).spec.workload).toEqual(expected));
});

describe("explorations", () => {
  it("sweeps over what the load has", () => {
    const { spec, paths } = explored({ kind: "sweep", values: "4, 1 ,16" });
    expect(spec.explore).toEqual({ kind: "sweep", parameter: "concurrency", values: [4, 1, 16] });
    // The load carries the first level, as the command line has it.
    expect(spec.load).toEqual({ kind: "closed", concurrency: 4 });
    expect(paths).not.toContain("load.concurrency");
    expect(explored({ kind: "sweep", values: "0.5" }, { kind: "poisson" }).spec.explore).toMatchObject({
      parameter: "rate",
      values: [0.5],
    });
  });

  it("searches within limits, with shares for percentages", () => {
    const { spec } = explored({ kind: "search", maxErrorPercent: "0.1", confidencePercent: "99", maxPoints: "8" });
    expect(spec.explore).toEqual({
      kind: "search",
      parameter: "concurrency",
      minimum: 1,
      maximum: 64,
      criteria: [{ metric: "ttft_ms", percentile: 95, limit_ms: 500 }],
      max_error_rate: 0.001,
      confidence: 0.99,
      max_points: 8,
    });
    const nothing = explored({ kind: "search", criteria: [], maxErrorPercent: "" });
    expect(nothing.missing["explore.max_error_rate"]).toBeDefined();
  });

  it("explores nothing where the load has no level", () => {
    expect(explored({ kind: "sweep" }, { kind: "spike" }).spec.explore).toBeUndefined();
  });
});
