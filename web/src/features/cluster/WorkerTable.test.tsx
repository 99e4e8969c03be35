// @vitest-environment happy-dom
import { render } from "preact";
import { expect, it, vi } from "vitest";
import type { Cluster, ClusterWorker } from "../../api/types";
import { WorkerTable } from "./WorkerTable";

const AT = "2026-11-21T12:00:00Z";
const WORKER: ClusterWorker = {
  name: "one",
  status: "running",
  tags: ["region=eu"],
  slots: 2,
  running: [
    { shard: 0, benchmark_id: "b1", benchmark_name: "nightly" },
    { shard: 1, benchmark_id: null, benchmark_name: null },
  ],
  version: "1.0",
  clock_offset_ms: 0.012,
  clock_error_ms: 0.3,
  last_heartbeat_at: "2026-11-21T11:59:59Z",
};
const CLUSTER: Cluster = {
  mode: "distributed",
  version: "1.0",
  problem: null,
  workers: [
    WORKER,
    {
      ...WORKER,
      name: "two",
      status: "mismatch",
      version: "0.9",
      running: [],
      clock_offset_ms: -250,
      last_heartbeat_at: "2026-11-21T11:59:20Z",
    },
  ],
  slots: 2,
  slots_taken: 2,
  tags: ["region=eu"],
  running: 2,
  waiting: 0,
  max_running: 2,
  max_running_per_user: 0,
  at: AT,
  clock_offset_limit_ms: 100,
  heartbeat_limit_seconds: 15,
  queue: [],
};

it("says of each worker what it runs, and flags what is wrong with it", () => {
  vi.stubGlobal(
    "ResizeObserver",
    class {
      observe() {}
      disconnect() {}
    },
  );
  const root = document.createElement("div");
  render(<WorkerTable cluster={CLUSTER} askedAt={Date.now()} />, root);
  const [one, two] = [...root.querySelectorAll("tbody tr")];
  expect(one?.querySelector(".shards a")?.getAttribute("href")).toBe("/benchmarks/b1");
  expect(one?.textContent).toContain("someone’s benchmark");
  expect(one?.querySelectorAll(".badge-bad")).toHaveLength(0);
  const flagged = [...(two?.querySelectorAll(".badge-bad") ?? [])].map((badge) => badge.textContent);
  expect(flagged).toEqual(["gets nothing", "0.9", "−250 ms ± 300 µs", "40 s ago"]);
  expect(two?.textContent).toContain("2 slots free");
  render(null, root);
  vi.unstubAllGlobals();
});
