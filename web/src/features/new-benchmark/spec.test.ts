import { describe, expect, it } from "vitest";
import { type Draft, EMPTY_DRAFT } from "./draft";
import { buildSpec } from "./spec";

const DRAFT: Draft = { ...EMPTY_DRAFT, targets: [{ provider: "demo", model: "m" }] };
const build = (part: Partial<Draft> = {}) => buildSpec({ ...DRAFT, ...part });

describe("buildSpec", () => {
  it("sends only what was filled in", () => {
    const { spec, problems } = build();
    expect(problems).toEqual({});
    expect(spec).toEqual({
      name: "demo / m, 8 users",
      targets: [{ provider: "demo", model: "m" }],
      workload: { kind: "prompt", prompt: DRAFT.prompt },
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
      workloadKind: "synthetic",
      inputTokens: "1,024",
      outputTokens: "128",
      loadKind: "poisson",
      rate: "2.5",
      maxInFlight: "64",
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
      workload: { kind: "synthetic", input_tokens: 1024, output_tokens: 128 },
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
      seed: 5,
      workers: 2,
      save_responses: true,
      save_gaps: false,
    });
  });

  it("takes a prompt list line by line", () => {
    expect(build({ workloadKind: "list", prompts: "one\n\n two \n" }).spec.workload).toEqual({
      kind: "list",
      prompts: ["one", "two"],
    });
  });

  it("names fields whose text is no value, by the paths of the service", () => {
    const { problems } = build({
      targets: [{ provider: "", model: "" }],
      concurrency: "many",
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
      "targets.0.model",
      "targets.0.provider",
    ]);
    expect(problems["load.concurrency"]).toBe("must be a number");
    expect(problems["stop.requests"]).toBe("must be a whole number");
  });

  it("asks for what is missing", () => {
    expect(build({ concurrency: "" }).problems["load.concurrency"]).toBe("is needed");
    expect(build({ requests: "", durationSeconds: "" }).problems["stop.requests"]).toContain("duration");
    expect(build({ extra: "{" }).problems["sampling.extra"]).toContain("is not JSON");
  });
});
