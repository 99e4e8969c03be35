import { describe, expect, it } from "vitest";
import { relative } from "./times";

const NOW = new Date(2026, 10, 21, 12, 0, 0).getTime();
const before = (ms: number) => new Date(NOW - ms).toISOString();

describe("relative", () => {
  it.each([
    [1_000, "just now"],
    [42_000, "42 s ago"],
    [61_000, "1 min ago"],
    [3 * 3_600_000, "3 h ago"],
  ])("writes %d ms ago as %s", (ms, text) => expect(relative(before(ms), NOW)).toBe(text));

  it("writes the local time from a day on, and the year when it is another one", () => {
    expect(relative(new Date(2026, 10, 19, 8, 5).toISOString(), NOW)).toBe("19 Nov 08:05");
    expect(relative(new Date(2025, 0, 2).toISOString(), NOW)).toBe("2 Jan 2025");
  });

  it("does not call a clock that runs ahead the future", () => {
    expect(relative(new Date(NOW + 2_000).toISOString(), NOW)).toBe("just now");
  });
});
