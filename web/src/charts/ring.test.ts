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

  it("is empty after clear", () => {
    const ring = new Ring(["a"], 3);
    ring.put(1, { a: 1 });
    ring.clear();
    expect(ring.lastX).toBeNull();
    expect(ring.x().length).toBe(0);
    expect(ring.put(0, { a: 1 })).toBe(true);
  });
});
