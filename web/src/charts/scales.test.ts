import { describe, expect, it } from "vitest";
import { csvOf, fileName } from "../ui/csv";
import { nines, positionOf, type Scale, ticksOf, valueAt, wantsLog } from "./scales";
import { toggled } from "./toggle";

const SCALES: Scale[] = [
  { kind: "linear", min: 0, max: 250 },
  { kind: "log", min: 0.2, max: 4000 },
  { kind: "nines", min: 0, max: 99.99 },
];

describe("scales", () => {
  it.each(SCALES)("go there and back: %o", (scale) => {
    for (const at of [0, 0.25, 0.5, 1]) expect(positionOf(scale, valueAt(scale, at))).toBeCloseTo(at, 6);
    expect(positionOf(scale, scale.min)).toBe(0);
    expect(positionOf(scale, scale.max)).toBeCloseTo(1, 9);
  });

  it.each(SCALES)("have few ticks, in order, inside: %o", (scale) => {
    const ticks = ticksOf(scale, 5);
    expect(ticks.length).toBeGreaterThan(1);
    expect(ticks.length).toBeLessThan(14);
    expect(ticks).toEqual([...ticks].sort((one, other) => one - other));
    for (const tick of ticks) expect(positionOf(scale, tick)).toBeGreaterThanOrEqual(-1e-9);
  });

  it("counts nines", () => {
    expect([0, 90, 99, 99.9].map((percentile) => Number(nines(percentile).toFixed(6)))).toEqual([0, 1, 2, 3]);
    expect(Number.isFinite(nines(100))).toBe(true);
  });

  it("is logarithmic only where it must be", () => {
    expect([wantsLog(1, 100), wantsLog(10, 100), wantsLog(0, 100)]).toEqual([true, false, false]);
  });
});

describe("a legend", () => {
  it("hides one, shows it again, and sees one alone", () => {
    expect([...toggled(new Set(), 1, 3, false)]).toEqual([1]);
    expect([...toggled(new Set([1]), 1, 3, false)]).toEqual([]);
    expect([...toggled(new Set([1]), 1, 3, true)].sort()).toEqual([0, 2]);
    expect([...toggled(new Set([0, 2]), 1, 3, true)]).toEqual([]);
  });
});

describe("a chart as CSV", () => {
  it("quotes what must be, runs no formula, and leaves out what was not measured", () => {
    expect(
      csvOf([
        ["t_s", 'a "b", c'],
        [1, Number.NaN],
        [2, null],
        ["=1+1", 3],
      ]),
    ).toBe('t_s,"a ""b"", c"\r\n1,\r\n2,\r\n\'=1+1,3\r\n');
    expect([fileName("Time to first token, heatmap"), fileName("…")]).toEqual(["time-to-first-token-heatmap", "chart"]);
  });
});
