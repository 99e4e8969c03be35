import { describe, expect, it } from "vitest";
import {
  age,
  alignDecimals,
  clock,
  count,
  dollars,
  duration,
  durationScale,
  inScale,
  percent,
  significant,
} from "./numbers";

describe("significant", () => {
  it.each([
    [0, "0"],
    [202.4, "202"],
    [20.04, "20.0"],
    [1.944, "1.94"],
    [9.996, "10.0"],
    [99.96, "100"],
    [999.6, "1,000"],
    [2926.4, "2,926"],
    [1234567, "1,234,567"],
    [0.0328, "0.0328"],
    [0.00012345, "0.000123"],
    [-20.04, "-20.0"],
  ])("writes %f as %s", (value, text) => expect(significant(value)).toBe(text));

  it.each([null, undefined, Number.NaN, Number.POSITIVE_INFINITY])("writes %s as not measured", (value) =>
    expect(significant(value)).toBe("—"),
  );
});

describe("durations", () => {
  it("chooses the unit by the typical value of a panel, not by each cell", () => {
    expect(durationScale([0.18, 202, 2184]).unit).toBe("ms");
    expect(durationScale([0.004, 0.031, 0.42]).unit).toBe("µs");
    expect(durationScale([1500, 90_000]).unit).toBe("s");
  });

  it("falls back to milliseconds when nothing was measured", () => {
    expect(durationScale([null, undefined, 0, Number.NaN]).unit).toBe("ms");
  });

  it("writes every value of a panel in its unit", () => {
    const scale = durationScale([1500, 2500]);
    expect(inScale(1940, scale)).toBe("1.94");
    expect(duration(202, scale)).toBe("0.202 s");
  });

  it.each([
    [0.028, "28.0 µs"],
    [202.4, "202 ms"],
    [1940, "1.94 s"],
    [0, "0 ms"],
    [null, "—"],
  ])("writes %s ms alone as %s", (value, text) => expect(duration(value)).toBe(text));
});

describe("other units", () => {
  it.each([
    [0, "0.00 %"],
    [0.0029, "0.29 %"],
    [0.0999, "9.99 %"],
    [0.09996, "10.0 %"],
    [0.9996, "100 %"],
    [1, "100 %"],
    [null, "—"],
  ])("writes the share %s as %s", (share, text) => expect(percent(share)).toBe(text));

  it.each([
    [null, "—"],
    [0, "$0"],
    [0.00042, "$0.000420"],
    [0.4213, "$0.421"],
    [1234.5, "$1,234.50"],
  ])("writes %s dollars as %s", (value, text) => expect(dollars(value)).toBe(text));

  it.each([
    [41, "0:41"],
    [59.6, "1:00"],
    [725, "12:05"],
    [3723, "1:02:03"],
    [-1, "0:00"],
  ])("writes %s seconds as %s", (seconds, text) => expect(clock(seconds)).toBe(text));

  it("writes ages in one unit and counts with groups", () => {
    expect([age(999), age(61_000), age(7_300_000)]).toEqual(["0 s", "1 min", "2 h"]);
    expect(count(5000)).toBe("5,000");
  });
});

describe("alignDecimals", () => {
  it("puts decimal points under each other and leaves words alone", () => {
    const aligned = alignDecimals(["202", "20.0", "1.94", "—"]);
    expect(aligned).toEqual(["202\u00a0\u00a0\u00a0", "20.0\u00a0", "1.94", "—"]);
  });

  it("adds nothing when no value has a fraction", () => {
    expect(alignDecimals(["202", "1,940"])).toEqual(["202", "1,940"]);
  });
});
