import { describe, expect, it } from "vitest";
import { FrameLoop } from "./loop";

function setUp() {
  let pending: FrameRequestCallback | null = null;
  const naps: { ms: number; wake: () => void }[] = [];
  const clock = { ms: 0 };
  const loop = new FrameLoop(
    (callback) => {
      pending = callback;
    },
    (wake, ms) => naps.push({ ms, wake }),
    () => clock.ms,
  );
  const frame = (now: number) => {
    const callback = pending;
    pending = null;
    callback?.(now);
  };
  const drawn = {
    dirty: true,
    times: 0,
    isDirty: () => drawn.dirty,
    draw: () => {
      drawn.times += 1;
    },
  };
  return { loop, frame, drawn, naps, clock, isAsleep: () => pending === null };
}

describe("FrameLoop", () => {
  it("draws at most ten times a second while something changes", () => {
    const { loop, frame, drawn } = setUp();
    loop.add(drawn);
    for (let now = 0; now < 1000; now += 16) {
      loop.wake();
      frame(now);
    }
    expect(drawn.times).toBeGreaterThanOrEqual(8);
    expect(drawn.times).toBeLessThanOrEqual(10);
  });

  it("sleeps when nothing has changed and wakes when told", () => {
    const { loop, frame, drawn, naps, isAsleep } = setUp();
    loop.add(drawn);
    frame(0);
    drawn.dirty = false;
    loop.wake();
    frame(16);
    expect(isAsleep()).toBe(true);
    expect(naps).toEqual([]);
    drawn.dirty = true;
    loop.wake();
    frame(500);
    expect(drawn.times).toBe(2);
  });

  it("draws what came too soon when its time has come, without a frame in between", () => {
    const { loop, frame, drawn, naps, isAsleep } = setUp();
    loop.add(Object.assign(drawn, { everyMs: () => 5_000 }));
    frame(0);
    loop.wake();
    frame(1_000);
    expect(drawn.times).toBe(1);
    expect(isAsleep()).toBe(true);
    expect(naps.map(({ ms }) => ms)).toEqual([4_000]);
    naps[0]?.wake();
    frame(5_000);
    expect(drawn.times).toBe(2);
  });

  it("wakes once, however often it was told to wait", () => {
    const { loop, frame, drawn, naps, isAsleep } = setUp();
    loop.add(drawn);
    frame(0);
    for (const now of [10, 20, 30]) {
      loop.wake();
      frame(now);
    }
    expect(naps).toHaveLength(3);
    naps[0]?.wake();
    naps[1]?.wake();
    expect(isAsleep()).toBe(true);
    naps[2]?.wake();
    expect(isAsleep()).toBe(false);
  });

  it("leaves to the next frame what would make this one late, and draws what waited longest first", () => {
    const { loop, frame, clock, isAsleep } = setUp();
    const order: string[] = [];
    const slow = (name: string) => ({
      isDirty: () => true,
      draw: () => {
        order.push(name);
        clock.ms += 3;
      },
    });
    for (const name of ["a", "b", "c"]) loop.add(slow(name));
    frame(0);
    expect(order).toEqual(["a", "b"]);
    expect(isAsleep()).toBe(false);
    frame(16);
    expect(order).toEqual(["a", "b", "c"]);
    loop.wake();
    frame(108);
    loop.wake();
    frame(116);
    expect(order).toEqual(["a", "b", "c", "a", "b", "c"]);
  });

  it("forgets what was removed", () => {
    const { loop, frame, drawn } = setUp();
    loop.add(drawn)();
    frame(0);
    expect(drawn.times).toBe(0);
  });
});
