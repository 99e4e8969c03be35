import { describe, expect, it } from "vitest";
import { EMPTY_DRAFT } from "./draft";
import { fieldPaths } from "./form";
import { fieldFor, normalise, placeProblems } from "./problems";

describe("normalise", () => {
  it.each([
    ["load.concurrency", "load.concurrency"],
    ["body.load.closed.concurrency", "load.concurrency"],
    ["workload.prompt.prompt", "workload.prompt"],
    ["workload.prompt", "workload.prompt"],
    ["targets.0.model", "targets.0.model"],
    ["body", ""],
    ["(body)", ""],
  ])("reads %s as %s", (path, field) => expect(normalise(path)).toBe(field));
});

describe("placing problems", () => {
  const fields = fieldPaths(EMPTY_DRAFT);

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
});
