/** What is wrong with a worker, why a benchmark waits, and what a server process tells: judged and said. Pure. */

import type { Cluster, ClusterWorker, WaitingBenchmark } from "../../api/types";
import { age, duration } from "../../ui/numbers";

export interface JudgedWorker {
  worker: ClusterWorker;
  /** Another version than the server's: it gets no work. */
  mismatch: boolean;
  /** How its clock is: `unknown` until it was measured. */
  clock: "fine" | "off" | "unknown";
  /** Since the scheduler last heard of it; null when it never did. */
  silentMs: number | null;
  stale: boolean;
}

/** `sinceMs` is how long ago the cluster was asked, by the browser's clock. */
export function judge(worker: ClusterWorker, cluster: Cluster, sinceMs: number): JudgedWorker {
  const heard = worker.last_heartbeat_at;
  // Both instants are of the cluster's clocks, so a wrong clock of the browser does not matter.
  const silentMs = heard === null ? null : Math.max(Date.parse(cluster.at) - Date.parse(heard), 0) + sinceMs;
  const offset = worker.clock_offset_ms;
  return {
    worker,
    mismatch: worker.status === "mismatch" || worker.version !== cluster.version,
    clock: offset === null ? "unknown" : Math.abs(offset) > cluster.clock_offset_limit_ms ? "off" : "fine",
    silentMs,
    stale: silentMs !== null && silentMs > cluster.heartbeat_limit_seconds * 1000,
  };
}

/** "+0.012 ms ± 0.300", the sign saying who is ahead. */
export function clockWords(worker: ClusterWorker): string {
  const { clock_offset_ms: offset, clock_error_ms: error } = worker;
  if (offset === null) return "not measured yet";
  const sign = offset < 0 ? "−" : "+";
  return `${sign}${duration(Math.abs(offset))}${error === null ? "" : ` ± ${duration(error)}`}`;
}

/** Why a benchmark waits, as a sentence without its full stop. */
export function reasonWords(waiting: WaitingBenchmark, cluster: Cluster): string {
  const { max_running: most, max_running_per_user: perUser } = cluster;
  switch (waiting.reason) {
    case "starting":
      return "there is room: it starts now";
    case "all_running":
      return most === 1
        ? "one runs, and no more than one may at once"
        : `${cluster.running} run, and no more than ${most} may at once`;
    case "owner_running":
      return `its owner has as many running as one user may (${perUser})`;
    case "behind_others":
      return "those before it take the room that there is";
    case "no_worker":
      return waiting.missing ?? "no worker that is there could run it";
  }
}

export interface ServerProcess {
  instance: string;
  uptimeS: number;
  cpuPercent: number;
  memoryBytes: number;
  openSockets: number;
  runningBenchmarks: number;
  diskFreeBytes: number;
  droppedEvents: number;
  heardAt: number;
}

const number = (value: unknown) => (typeof value === "number" && Number.isFinite(value) ? value : 0);

/** What `metrics.system` tells of a process; null when it is not that. */
export function processOf(payload: Record<string, unknown>, now: number): ServerProcess | null {
  if (typeof payload.instance !== "string") return null;
  return {
    instance: payload.instance,
    uptimeS: number(payload.uptime_s),
    cpuPercent: number(payload.cpu_percent),
    memoryBytes: number(payload.memory_bytes),
    openSockets: number(payload.open_sockets),
    runningBenchmarks: number(payload.running_benchmarks),
    diskFreeBytes: number(payload.disk_free_bytes),
    droppedEvents: number(payload.dropped_events),
    heardAt: now,
  };
}

// Told every five seconds: after six of them the process is gone.
const GONE_MS = 30_000;

/** The processes with the newest word of one of them, without those that are gone, by name. */
export function withProcess(known: readonly ServerProcess[], told: ServerProcess): ServerProcess[] {
  return [...known.filter((one) => one.instance !== told.instance && told.heardAt - one.heardAt < GONE_MS), told].sort(
    (one, other) => one.instance.localeCompare(other.instance),
  );
}

/** "1.23 GiB". */
export function bytes(value: number): string {
  const mib = value / 2 ** 20;
  return mib < 1024 ? `${mib.toPrecision(3)} MiB` : `${(mib / 1024).toPrecision(3)} GiB`;
}

/** How long something runs: "4 min". */
export function uptime(seconds: number): string {
  return seconds < 86_400 ? age(seconds * 1000) : `${Math.floor(seconds / 86_400)} d`;
}
