import type { ClusterWorker } from "../../api/types";

/** The slots of a worker: what runs in each, and which are free. */
export function Shards({ worker }: { worker: ClusterWorker }) {
  const free = Math.max(worker.slots - worker.running.length, 0);
  return (
    <ul class="shards">
      {worker.running.map((running) => (
        <li key={`${running.benchmark_id} ${running.shard}`} class="shard shard-taken">
          {running.benchmark_id ? (
            <a href={`/benchmarks/${running.benchmark_id}`} title={`Shard ${running.shard}`}>
              {running.benchmark_name ?? "a benchmark"}
            </a>
          ) : (
            <span title="It is not shared with you">someone’s benchmark</span>
          )}
        </li>
      ))}
      {free > 0 && <li class="shard">{free === 1 ? "1 slot free" : `${free} slots free`}</li>}
    </ul>
  );
}
