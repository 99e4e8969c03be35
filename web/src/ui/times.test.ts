import { afterEach, describe, expect, it } from "vitest";
import { exact, fromField, relative, stamp, toField, zone, zoneName } from "./times";

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

describe("in UTC, for those who prefer it", () => {
  afterEach(() => {
    zone.value = "local";
  });

  it("writes every time in it", () => {
    zone.value = "utc";
    const now = Date.parse("2026-11-21T12:00:00Z");
    expect(relative("2026-11-19T23:05:00Z", now)).toBe("19 Nov 23:05");
    expect(stamp("2026-11-19T23:05:09Z")).toBe("2026-11-19 23:05:09");
    expect(exact("2026-11-19T23:05:09Z")).toContain("UTC");
    expect(zoneName()).toBe("UTC");
  });

  it("reads fields in the zone in which it writes them", () => {
    for (const value of ["utc", "local"] as const) {
      zone.value = value;
      expect(fromField(toField("2026-03-01T05:06:00.000Z"))).toBe("2026-03-01T05:06:00.000Z");
    }
    zone.value = "utc";
    expect(toField("2026-03-01T05:06:00Z")).toBe("2026-03-01T05:06");
    expect(fromField("")).toBe("");
    expect(fromField("nonsense")).toBe("");
    expect(toField("nonsense")).toBe("");
  });
});
