import type { Cluster } from "../../api/types";
import { Badge } from "../../ui/Badge";
import { age, duration } from "../../ui/numbers";
import { TableFrame } from "../../ui/TableFrame";
import { useNow } from "../../ui/useNow";
import { clockWords, type JudgedWorker, judge } from "./judged";
import { Shards } from "./Shards";

/** Who measures, and what is wrong with them. */
export function WorkerTable({ cluster, askedAt }: { cluster: Cluster; askedAt: number }) {
  const sinceMs = Math.max(useNow(1000) - askedAt, 0);
  return (
    <section aria-labelledby="workers">
      <h2 id="workers" class="cluster-head">
        Workers
      </h2>
      <TableFrame label="Workers">
        <table class="table cards worker-table">
          <thead>
            <tr>
              <th scope="col">Worker</th>
              <th scope="col">State</th>
              <th scope="col">Slots</th>
              <th scope="col">Runs</th>
              <th scope="col">Tags</th>
              <th scope="col">Version</th>
              <th scope="col">Clock ahead</th>
              <th scope="col">Heard of</th>
            </tr>
          </thead>
          <tbody>
            {cluster.workers.map((worker) => (
              <Row key={worker.name} judged={judge(worker, cluster, sinceMs)} cluster={cluster} />
            ))}
          </tbody>
        </table>
      </TableFrame>
    </section>
  );
}

const STATES = {
  running: { tone: "ok", icon: "check", word: "running", title: "Takes shards" },
  draining: { tone: "warn", icon: "stop", word: "draining", title: "Finishes what it runs and takes nothing new" },
  mismatch: { tone: "bad", icon: "cross", word: "gets nothing", title: "It has another version than the server" },
} as const;

function Row({ judged, cluster }: { judged: JudgedWorker; cluster: Cluster }) {
  const { worker, mismatch, clock, silentMs, stale } = judged;
  return (
    <tr>
      <th scope="row" class="whole">
        {worker.name}
      </th>
      <td data-label="State">
        <Badge {...STATES[worker.status]} />
      </td>
      <td data-label="Slots" class="number">
        {worker.running.length} / {worker.slots}
      </td>
      <td data-label="Runs" class="whole">
        <Shards worker={worker} />
      </td>
      <td data-label="Tags">{worker.tags.length > 0 ? worker.tags.join(", ") : <span class="muted">none</span>}</td>
      <td data-label="Version">
        {mismatch ? (
          <Badge
            tone="bad"
            icon="alert"
            word={worker.version || "unknown"}
            title={`The server has ${cluster.version}: install the same on the worker`}
          />
        ) : (
          worker.version
        )}
      </td>
      <td data-label="Clock ahead" class="number">
        {clock === "fine" ? (
          clockWords(worker)
        ) : (
          <Badge
            tone={clock === "off" ? "bad" : "quiet"}
            icon={clock === "off" ? "alert" : "clock"}
            word={clockWords(worker)}
            title={
              clock === "off"
                ? `More than ${duration(cluster.clock_offset_limit_ms)}: results become suspect. Synchronise its clock`
                : undefined
            }
          />
        )}
      </td>
      <td data-label="Heard of" class="number">
        {silentMs === null ? (
          <span class="muted">never</span>
        ) : stale ? (
          <Badge tone="bad" icon="alert" word={`${age(silentMs)} ago`} title="It is probably lost" />
        ) : (
          `${age(silentMs)} ago`
        )}
      </td>
    </tr>
  );
}
