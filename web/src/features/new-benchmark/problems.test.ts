import { describe, expect, it } from "vitest";
import { EMPTY_DRAFT } from "./draft";
import { fieldFor, normalise, placeProblems, standing } from "./problems";
import { buildSpec } from "./spec";

describe("normalise", () => {
  it.each([
    ["load.concurrency", "load.concurrency"],
    ["body.load.concurrency", "load.concurrency"],
    ["load.steps.0.rate", "load.steps.0.rate"],
    ["workload.prompt", "workload.prompt"],
    ["targets.0.model", "targets.0.model"],
    ["body", ""],
    ["(body)", ""],
  ])("reads %s as %s", (path, field) => expect(normalise(path)).toBe(field));
});

describe("placing problems", () => {
  const fields = buildSpec(EMPTY_DRAFT).paths;

  it("finds the field itself, the one above, or the first one below", () => {
    expect(fieldFor("load.concurrency", fields)).toBe("load.concurrency");
    expect(fieldFor("tags.0", fields)).toBe("tags");
    expect(fieldFor("stop", fields)).toBe("stop.requests");
    expect(fieldFor("load.rate", fields)).toBeNull();
    expect(fieldFor("", fields)).toBeNull();
  });

  it("says what is allowed and keeps what has no field", () => {
    const placed = placeProblems(
      [
        { path: "load.concurrency", message: "is too large", allowed: { le: 20000 } },
        { path: "targets.0.provider", message: "there is no such provider", allowed: ["demo", "lab"] },
        { path: "targets.0.provider", message: "must be a name" },
        { path: "seed", message: "must be at most 7", allowed: "≤ 7" },
        { path: "", message: "workers must not exceed concurrency" },
        { path: "colour", message: "unknown field" },
      ],
      fields,
    );
    expect(placed.byField).toEqual({
      "load.concurrency": "is too large (allowed: at most 20,000)",
      seed: "must be at most 7",
      "targets.0.provider": "there is no such provider (allowed: demo, lab); must be a name",
    });
    expect(placed.rest).toEqual(["workers must not exceed concurrency", "colour: unknown field"]);
  });

  it("says which entry of a list is meant", () => {
    const { byField } = placeProblems(
      [
        { path: "tags.0", message: "too long" },
        { path: "workload.prompts.3.output_tokens", message: "too low" },
      ],
      ["tags", "workload.prompts"],
    );
    expect(byField).toEqual({ tags: "entry 1: too long", "workload.prompts": "entry 4, output_tokens: too low" });
  });

  it("keeps to what is really wrong with a value that may be of several types", () => {
    const { byField } = placeProblems(
      [
        { path: "workload.input_tokens", message: "Input should be greater than or equal to 1", allowed: "≥ 1" },
        {
          path: "workload.input_tokens",
          message: "Input should be a valid dictionary or object to extract fields from",
        },
        { path: "workload.output_tokens", message: "Input should be a valid integer" },
        { path: "workload.output_tokens.mean", message: "Input should be greater than 0" },
      ],
      ["workload.input_tokens", "workload.output_tokens.mean"],
    );
    expect(byField).toEqual({
      "workload.input_tokens": "Input should be greater than or equal to 1",
      "workload.output_tokens.mean": "Input should be greater than 0",
    });
  });
});

describe("standing", () => {
  it("lets a refusal stand until its part of the spec changes", () => {
    const problems = { "load.steps.1.rate": "too high", "slo.ttft_ms": "too low", explore: "needs another load" };
    const refused = { load: { steps: [{ rate: 1 }, { rate: 9e9 }] }, slo: { ttft_ms: -1 }, explore: { values: [1] } };
    expect(standing(problems, refused, structuredClone(refused))).toEqual(problems);
    expect(
      standing(problems, refused, {
        load: { steps: [{ rate: 1 }, { rate: 9 }] },
        slo: { ttft_ms: -1 },
        explore: { values: [1, 2] },
      }),
    ).toEqual({ "slo.ttft_ms": "too low" });
    expect(standing(problems, refused, {})).toEqual({});
  });
});
