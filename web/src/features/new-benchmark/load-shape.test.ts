import { describe, expect, it } from "vitest";
import type { Load } from "../../api/types";
import { loadShape } from "./load-shape";

const corners = (load: Load, stop = {}) => loadShape(load, stop, undefined)?.corners;

describe("loadShape", () => {
  it("holds a level until the stop rule ends it", () => {
    expect(corners({ kind: "poisson", rate: 5 }, { duration_seconds: 20 })).toEqual([
      [0, 5],
      [20, 5],
    ]);
    expect(loadShape({ kind: "constant", rate: 5 }, { requests: 100 }, undefined)?.spanSeconds).toBe(20);
    expect(loadShape({ kind: "closed", concurrency: 5 }, { requests: 100 }, undefined)).toMatchObject({
      unit: "users",
      note: "until its requests are done",
    });
  });

  it("lets users join", () => {
    expect(corners({ kind: "closed", concurrency: 8, ramp_up_seconds: 10 }, { duration_seconds: 30 })).toEqual([
      [0, 0],
      [10, 8],
      [30, 8],
    ]);
    // Cut in the middle of joining: half of them are there.
    expect(corners({ kind: "closed", concurrency: 8, ramp_up_seconds: 10 }, { duration_seconds: 5 })).toEqual([
      [0, 0],
      [5, 4],
    ]);
  });

  it("ends where a ramp has offered its requests", () => {
    const ramp: Load = { kind: "ramp", from_rate: 0.001, to_rate: 10, seconds: 10 };
    // The area under the ramp is 50 requests; 32 of them are offered when (t / 10)² = 0.64.
    expect(loadShape(ramp, { requests: 32 }, undefined)?.spanSeconds).toBeCloseTo(8, 2);
    expect(loadShape(ramp, { requests: 70 }, undefined)?.spanSeconds).toBeCloseTo(12, 2);
  });

  it("draws an exponential ramp by its factor", () => {
    const shape = loadShape(
      { kind: "ramp", from_rate: 1, to_rate: 16, seconds: 40, curve: "exponential" },
      { duration_seconds: 40 },
      undefined,
    );
    const middle = shape?.corners.find(([at]) => at === 20);
    expect(middle?.[1]).toBeCloseTo(4);
  });

  it("draws steps, spikes and traces", () => {
    expect(
      corners({
        kind: "steps",
        steps: [
          { rate: 1, seconds: 5 },
          { rate: 9, seconds: 2 },
        ],
      }),
    ).toEqual([
      [0, 1],
      [5, 1],
      [5, 9],
      [7, 9],
    ]);
    const spike: Load = { kind: "spike", rate: 1, spike_rate: 9, spike_at_seconds: 5, spike_seconds: 5 };
    expect(corners(spike, { duration_seconds: 20 })).toEqual([
      [0, 1],
      [5, 1],
      [5, 9],
      [10, 9],
      [10, 1],
      [20, 1],
    ]);
    const trace = loadShape({ kind: "trace", at_seconds: [0, 0.1, 0.2, 3.9], speed: 2 }, {}, undefined);
    expect(trace?.corners).toEqual([
      [0, 3],
      [1, 3],
      [1, 1],
      [2, 1],
    ]);
  });

  it("puts the levels of a sweep one after another", () => {
    const shape = loadShape(
      { kind: "closed", concurrency: 4 },
      { duration_seconds: 10 },
      { kind: "sweep", parameter: "concurrency", values: [1, 4] },
    );
    expect(shape?.corners).toEqual([
      [0, 1],
      [10, 1],
      [10, 4],
      [20, 4],
    ]);
  });

  it("draws nothing of what cannot be", () => {
    expect(loadShape({ kind: "constant", rate: 0 }, {}, undefined)).toBeNull();
    expect(
      loadShape({ kind: "ramp", from_rate: 0, to_rate: 5, seconds: 10, curve: "exponential" }, {}, undefined),
    ).toBeNull();
    expect(loadShape({ kind: "steps", steps: [] }, {}, undefined)).toBeNull();
    expect(loadShape({ kind: "trace", at_seconds: [] }, {}, undefined)).toBeNull();
    expect(loadShape({ kind: "constant", rate: -3 }, {}, undefined)).toBeNull();
  });
});
