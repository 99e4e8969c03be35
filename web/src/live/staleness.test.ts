import { describe, expect, it } from "vitest";
import { backoff } from "./backoff";
import { freshness } from "./staleness";

describe("freshness", () => {
  it.each([
    [0, "fresh"],
    [2_000, "fresh"],
    [2_001, "stale"],
    [10_000, "stale"],
    [10_001, "lost"],
    [Number.POSITIVE_INFINITY, "lost"],
  ])("calls data of %d ms %s", (ageMs, look) => expect(freshness(ageMs, 2_000)).toBe(look));
});

describe("backoff", () => {
  it("doubles up to fifteen seconds", () => {
    const waits = [0, 1, 2, 3, 4, 5, 6, 50].map((failures) => backoff(failures, () => 0.5));
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000]);
  });

  it("spreads clients by a quarter each way", () => {
    expect([backoff(1, () => 0), backoff(1, () => 1)]).toEqual([750, 1250]);
  });
});
