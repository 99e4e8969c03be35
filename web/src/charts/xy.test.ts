import { describe, expect, it } from "vitest";
import { levelAxis, linearAxis, place } from "./xy";

describe("axes", () => {
  it.each([
    [10, [0, 2.5, 5, 7.5, 10]],
    [848, [0, 250, 500, 750, 1000]],
    [0.3, [0, 0.1, 0.2, 0.3]],
    [0, [0, 0.25, 0.5, 0.75, 1]],
  ])("go from zero to a round number over %d", (highest, ticks) => {
    expect(linearAxis(highest).ticks.map((tick) => Number(tick.toPrecision(6)))).toEqual(ticks);
  });

  it("put doublings equally far apart", () => {
    const axis = levelAxis([1, 2, 4, 8, 16]);
    expect(axis.isLog).toBe(true);
    expect([1, 2, 4, 8, 16].map((level) => place(axis, level))).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(axis.ticks).toEqual([1, 2, 4, 8, 16]);
  });

  it("leave out labels that have no room", () => {
    expect(levelAxis([1, 60, 61, 62, 64]).ticks).toEqual([1, 60]);
  });

  it("stay linear for levels of one decade, and for a single level", () => {
    expect(levelAxis([4, 5, 6])).toMatchObject({ isLog: false, min: 0 });
    expect(place(levelAxis([3]), 3)).toBeGreaterThan(0.5);
  });
});
