import { describe, expect, it } from "vitest";
import { Ring } from "./ring";

describe("Ring", () => {
  it("keeps rows in order, with NaN where nothing happened", () => {
    const ring = new Ring(["a", "b"], 4);
    ring.put(0, { a: 1, b: null });
    ring.put(1, { a: 2 });
    expect([...ring.x()]).toEqual([0, 1]);
    expect([...ring.y("a")]).toEqual([1, 2]);
    expect([...ring.y("b")]).toEqual([Number.NaN, Number.NaN]);
  });

  it("drops the oldest rows when full and still gives one contiguous view", () => {
    const ring = new Ring(["a"], 3);
    for (let x = 0; x < 100; x += 1) {
      ring.put(x, { a: x * 10 });
      const expected = Array.from({ length: Math.min(x + 1, 3) }, (_, back) => x - Math.min(x, 2) + back);
      expect([...ring.x()]).toEqual(expected);
      expect([...ring.y("a")]).toEqual(expected.map((value) => value * 10));
    }
    expect(ring.length).toBe(3);
  });

  it("replaces the newest row when its x comes again", () => {
    const ring = new Ring(["a"], 3);
    ring.put(5, { a: 1 });
    ring.put(5, { a: 2 });
    expect([...ring.y("a")]).toEqual([2]);
  });

  it("refuses rows from the past and rows without a place", () => {
    const ring = new Ring(["a"], 3);
    ring.put(5, { a: 1 });
    const version = ring.version;
    expect(ring.put(4, { a: 9 })).toBe(false);
    expect(ring.put(Number.NaN, { a: 9 })).toBe(false);
    expect(ring.version).toBe(version);
    expect([...ring.x()]).toEqual([5]);
  });

  it("amends rows of the past, and puts in those that are missing", () => {
    const ring = new Ring(["a", "b"], 6);
    for (const x of [0, 1, 2, 5]) ring.put(x, { a: x });
    expect(ring.amend(1, { a: 10, b: 1 })).toBe(true);
    expect(ring.amend(3, { a: 30 })).toBe(true);
    expect(ring.amend(6, { a: 6 })).toBe(true);
    expect([...ring.x()]).toEqual([0, 1, 2, 3, 5, 6]);
    expect([...ring.y("a")]).toEqual([0, 10, 2, 30, 5, 6]);
    expect(ring.y("b")[1]).toBe(1);
    const version = ring.version;
    expect(ring.amend(1, { a: 10, b: 1 })).toBe(false);
    expect(ring.amend(-1, { a: 1 })).toBe(false);
    expect(ring.version).toBe(version);
  });

  it("amends when it is full, and keeps both of its halves alike", () => {
    for (let shift = 0; shift < 9; shift += 1) {
      const ring = new Ring(["a"], 4);
      for (let x = 0; x <= 3 + shift; x += 1) if (x !== 2 + shift) ring.put(x, { a: x });
      ring.put(4 + shift, { a: 4 + shift });
      ring.amend(2 + shift, { a: 2 + shift });
      const expected = [1, 2, 3, 4].map((x) => x + shift);
      expect([...ring.x()]).toEqual(expected);
      ring.put(5 + shift, { a: 5 + shift });
      expect([...ring.x()]).toEqual([...expected.slice(1), 5 + shift]);
      expect([...ring.y("a")]).toEqual([...expected.slice(1), 5 + shift]);
    }
  });

  it("is empty after clear", () => {
    const ring = new Ring(["a"], 3);
    ring.put(1, { a: 1 });
    ring.clear();
    expect(ring.lastX).toBeNull();
    expect(ring.x().length).toBe(0);
    expect(ring.put(0, { a: 1 })).toBe(true);
  });
});
