import { describe, expect, it } from "vitest";
import { frontier } from "./exploration";
import { Extremes } from "./extremes";

const slow = (index: number, e2e_ms: number) => ({ index, ttft_ms: 1, e2e_ms });
const failure = { error_type: "connect", error: null, http_status: null, attempts: 1, failed_after_ms: null };

describe("the slowest and the failed", () => {
  it("keep the slowest of the whole run and the newest failures, each once", () => {
    const extremes = new Extremes();
    for (let index = 0; index < 40; index += 4) {
      extremes.take({
        number: 4,
        slowest: [slow(index, index), slow(index + 1, 100 - index)],
        failed: [{ index, ...failure }],
      });
    }
    extremes.take({ number: 1, slowest: [slow(1, 100)] });
    expect(extremes.slowest.value.map(({ e2eMs }) => e2eMs)).toEqual([100, 96, 92, 88, 84, 80, 76, 72]);
    expect(extremes.failed.value.map(({ index }) => index)).toEqual([36, 32, 28, 24, 20, 16, 12, 8]);
  });
});

describe("the frontier", () => {
  const point = (x: number, y: number) => ({ x, y, label: `${x} ${y}`, isHollow: false });
  it("keeps what nothing beats in both", () => {
    const points = [point(50, 100), point(40, 300), point(45, 90), point(30, 310), point(20, 250)];
    expect(frontier(points).map(({ x }) => x)).toEqual([30, 40, 50]);
    expect(frontier([])).toEqual([]);
  });
});
