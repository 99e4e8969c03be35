import { describe, expect, it } from "vitest";
import { FrameLoop } from "./loop";

function setUp() {
  let pending: FrameRequestCallback | null = null;
  const loop = new FrameLoop((callback) => {
    pending = callback;
    return 1;
  });
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
  return { loop, frame, drawn, isAsleep: () => pending === null };
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
    const { loop, frame, drawn, isAsleep } = setUp();
    loop.add(drawn);
    frame(0);
    drawn.dirty = false;
    frame(16);
    expect(isAsleep()).toBe(true);
    drawn.dirty = true;
    loop.wake();
    frame(500);
    expect(drawn.times).toBe(2);
  });

  it("forgets what was removed", () => {
    const { loop, frame, drawn } = setUp();
    loop.add(drawn)();
    frame(0);
    expect(drawn.times).toBe(0);
  });
});
