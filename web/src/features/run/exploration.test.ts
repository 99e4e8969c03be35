import { describe, expect, it } from "vitest";
import type { PointFigures } from "../../api/summary";
import type { BenchmarkSpec } from "../../api/types";
import { keepsLimit, watchedOf } from "./exploration";
import { metric, SEARCHED } from "./summary.fixtures";

const SPEC: BenchmarkSpec = {
  name: "n",
  targets: [{ provider: "local", model: "llama" }],
  workload: { kind: "prompt", prompt: "x" },
  load: { kind: "closed", concurrency: 1 },
  stop: { requests: 10 },
  slo: { ttft_ms: 500 },
};

function points(...lacks: (readonly string[])[]): PointFigures[] {
  return (SEARCHED.points ?? []).slice(0, lacks.length).map((point, index) => ({
    ...point,
    metrics: {
      ttft_ms: { ...metric(200), ...Object.fromEntries((lacks[index] ?? []).map((percentile) => [percentile, null])) },
    },
  }));
}

describe("what the curve of a sweep shows", () => {
  it("is what was asked for, while any level has it", () => {
    expect(watchedOf(SPEC, points([], ["p95"]))).toEqual({ metric: "ttft_ms", percentile: "p95", limitMs: 500 });
  });

  it("is the highest percentile that all levels have, without a limit that was meant for another", () => {
    const found = watchedOf(SPEC, points(["p95"], ["p90", "p95"]));
    expect(found).toEqual({ metric: "ttft_ms", percentile: "p75", limitMs: null });
    expect(points(["p95"]).every((point) => keepsLimit(point, found))).toBe(true);
  });

  it("stays what was asked for when nothing was measured", () => {
    expect(watchedOf(SPEC, points(["p50", "p75", "p90", "p95"])).percentile).toBe("p95");
  });
});
