// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { TIMELINE_COLUMNS, type TimelineColumn } from "../../api/types";
import { Ring } from "../../charts/ring";
import { fillRing } from "./store";

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
