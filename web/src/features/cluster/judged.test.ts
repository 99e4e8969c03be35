import { describe, expect, it } from "vitest";
import type { Cluster, ClusterWorker } from "../../api/types";
import { bytes, clockWords, judge, processOf, reasonWords, uptime, withProcess } from "./judged";

const CLUSTER: Cluster = {
  mode: "distributed",
  version: "1.0",
  problem: null,
  workers: [],
  slots: 4,
  slots_taken: 1,
  tags: [],
  running: 2,
  waiting: 1,
  max_running: 2,
  max_running_per_user: 1,
  at: "2026-11-21T12:00:00Z",
  clock_offset_limit_ms: 100,
  heartbeat_limit_seconds: 15,
  queue: [],
};
const WORKER: ClusterWorker = {
  name: "w1",
  status: "running",
  tags: [],
  slots: 2,
  running: [],
  version: "1.0",
  clock_offset_ms: 0.012,
  clock_error_ms: 0.3,
  last_heartbeat_at: "2026-11-21T11:59:58Z",
};

describe("a worker", () => {
  it("that is fine has nothing flagged", () => {
    expect(judge(WORKER, CLUSTER, 1000)).toMatchObject({
      mismatch: false,
      clock: "fine",
      silentMs: 3000,
      stale: false,
    });
  });

  it("is flagged for its version, its clock and its silence", () => {
    expect(judge({ ...WORKER, version: "0.9" }, CLUSTER, 0).mismatch).toBe(true);
    expect(judge({ ...WORKER, status: "mismatch" }, CLUSTER, 0).mismatch).toBe(true);
    expect(judge({ ...WORKER, clock_offset_ms: -100.1 }, CLUSTER, 0).clock).toBe("off");
    expect(judge({ ...WORKER, clock_offset_ms: null }, CLUSTER, 0).clock).toBe("unknown");
    expect(judge(WORKER, CLUSTER, 13_001).stale).toBe(true);
    expect(judge({ ...WORKER, last_heartbeat_at: null }, CLUSTER, 1e9)).toMatchObject({ silentMs: null, stale: false });
  });

  it("has a clock with a sign and an error", () => {
    expect(clockWords(WORKER)).toBe("+12.0 µs ± 300 µs");
    expect(clockWords({ ...WORKER, clock_offset_ms: -250 })).toBe("−250 ms ± 300 µs");
    expect(clockWords({ ...WORKER, clock_offset_ms: null })).toBe("not measured yet");
  });
});

it("says why a benchmark waits", () => {
  const waiting = { position: 1, id: null, name: null, created_at: "", may_cancel: false, missing: null } as const;
  expect(reasonWords({ ...waiting, reason: "all_running" }, CLUSTER)).toContain("2 run, and no more than 2");
  expect(reasonWords({ ...waiting, reason: "all_running" }, { ...CLUSTER, max_running: 1 })).toContain("one runs");
  expect(reasonWords({ ...waiting, reason: "owner_running" }, CLUSTER)).toContain("one user may (1)");
  expect(reasonWords({ ...waiting, reason: "behind_others" }, CLUSTER)).toContain("before it");
  expect(reasonWords({ ...waiting, reason: "starting" }, CLUSTER)).toContain("starts now");
  expect(reasonWords({ ...waiting, reason: "no_worker", missing: "2 slots tagged gpu" }, CLUSTER)).toContain(
    "tagged gpu",
  );
});

it("keeps the processes that are heard of", () => {
  const told = (instance: string, now: number) => {
    const found = processOf({ instance, cpu_percent: 5, memory_bytes: 2 ** 30 }, now);
    if (!found) throw new Error("no process");
    return found;
  };
  const both = withProcess(withProcess([], told("b", 0)), told("a", 5_000));
  expect(both.map((one) => one.instance)).toEqual(["a", "b"]);
  expect(withProcess(both, told("a", 31_000)).map((one) => one.instance)).toEqual(["a"]);
  expect(processOf({ cpu_percent: 5 }, 0)).toBeNull();
});

it("writes sizes and times", () => {
  expect(bytes(300 * 2 ** 20)).toBe("300 MiB");
  expect(bytes(1.5 * 2 ** 30)).toBe("1.50 GiB");
  expect(uptime(3 * 86_400 + 5)).toBe("3 d");
  expect(uptime(90)).toBe("1 min");
});
