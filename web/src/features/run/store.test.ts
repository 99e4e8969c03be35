// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { TIMELINE_COLUMNS, type TimelineColumn } from "../../api/types";
import { Ring } from "../../charts/ring";
import { metricTable } from "./metrics";
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

describe("metricTable", () => {
  const metric = (p50: number, n = 10) => ({
    n,
    min: p50,
    max: p50,
    mean: p50,
    stdev: 0,
    p50,
    p75: p50,
    p90: p50,
    p95: p50,
    p99: p50,
    "p99.9": p50,
  });

  it("writes all rows in one unit, in the order of a request's life", () => {
    const table = metricTable(
      { e2e_ms: metric(2184), ttft_ms: metric(202), ttfo_ms: null, connect_ms: metric(0.18) },
      "started",
    );
    expect(table.scale.unit).toBe("ms");
    expect(table.rows.map(({ key }) => key)).toEqual(["ttft_ms", "e2e_ms", "connect_ms"]);
    expect(table.rows.map(({ cells }) => cells[1]?.trim())).toEqual(["202", "2,184", "0.180"]);
  });

  it("counts from the intended start where that makes a difference", () => {
    const metrics = { ttft_ms: metric(200), ttft_from_intended_ms: metric(900), tpot_ms: metric(20) };
    const table = metricTable(metrics, "intended");
    expect(table.rows.map(({ cells }) => cells[1]?.trim())).toEqual(["900", "20.0"]);
  });
});
