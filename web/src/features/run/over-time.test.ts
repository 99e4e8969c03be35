// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import { Ring } from "../../charts/ring";

vi.stubGlobal("matchMedia", () => ({ addEventListener: () => undefined }));

describe("failures over time", async () => {
  const { fill } = await import("./over-time");

  it("keep their number when their slices are shorter than a second", () => {
    const ring = new Ring(["http_429"], 10);
    fill(ring, [0, 1, 2], { by: "start", width_s: 0.25, t_s: [0.25, 0.5, 2.75], per_s: { http_429: [4, 8, 4] } });
    expect([...ring.x()]).toEqual([0, 1, 2]);
    expect([...ring.y("http_429")]).toEqual([3, 0, 1]);
  });

  it("are spread over a slice that is longer", () => {
    const ring = new Ring(["connect"], 10);
    fill(ring, [0, 1, 2, 3], { by: "start", width_s: 2, t_s: [2], per_s: { connect: [5] } });
    expect([...ring.y("connect")]).toEqual([0, 0, 5, 5]);
  });

  it("show before the first settled second", () => {
    const ring = new Ring(["connect"], 10);
    fill(ring, [], { by: "report", width_s: 1, t_s: [1], per_s: { connect: [2] } });
    expect([...ring.x()]).toEqual([0, 1]);
    expect([...ring.y("connect")]).toEqual([0, 2]);
  });
});
