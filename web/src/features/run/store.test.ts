// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { type Progress, TIMELINE_COLUMNS, type TimelineColumn } from "../../api/types";
import { Ring } from "../../charts/ring";
import { fillRing, hold } from "./store";

describe("fillRing", () => {
  it("takes the timeline and keeps newer live points", () => {
    const ring = new Ring<TimelineColumn>(TIMELINE_COLUMNS, 10);
    ring.put(1, { ttft_p50_ms: 99 });
    ring.put(3, { ttft_p50_ms: 3 });
    fillRing(ring, { t_s: [0, 1, 2], ttft_p50_ms: [0, 1, null] }, { isOver: true });
    expect([...ring.x()]).toEqual([0, 1, 2, 3]);
    expect([...ring.y("ttft_p50_ms")]).toEqual([0, 1, Number.NaN, 3]);
  });

  it("leaves out the second that is not over while the run lasts", () => {
    const ring = new Ring<TimelineColumn>(TIMELINE_COLUMNS, 10);
    ring.put(2, { ttft_p50_ms: 2 });
    fillRing(ring, { t_s: [0, 1, 2], ttft_p50_ms: [0, 1, null] }, { isOver: false });
    expect([...ring.y("ttft_p50_ms")]).toEqual([0, 1, 2]);
  });

  it("is content with an empty timeline", () => {
    const ring = new Ring<TimelineColumn>(TIMELINE_COLUMNS, 10);
    fillRing(ring, { t_s: [] }, { isOver: false });
    expect(ring.length).toBe(0);
  });
});

describe("what is held while the view stands still", () => {
  const point = (second: number) => ({ t_s: second, requests_per_s: second }) as NonNullable<Progress["point"]>;
  const progress = (second: number, completed: number, earlier: number[] = []) =>
    ({ completed, point: point(second), earlier: earlier.map(point) }) as Progress;

  it("is the newest of each second, and all that was told of earlier ones", () => {
    const held: Progress[] = [];
    for (const one of [progress(5, 1, [1]), progress(5, 2), progress(5, 3, [2, 3]), progress(6, 4, [4])])
      hold(held, one);
    expect(held.map(({ completed }) => completed)).toEqual([3, 4]);
    expect(held.map(({ earlier }) => earlier.map(({ t_s }) => t_s))).toEqual([[1, 2, 3], [4]]);
  });

  it("is bounded", () => {
    const held: Progress[] = [];
    for (let second = 0; second < 7_300; second += 1) hold(held, progress(second, second));
    expect(held.length).toBe(7_200);
    expect(held[0]?.completed).toBe(100);
  });
});
