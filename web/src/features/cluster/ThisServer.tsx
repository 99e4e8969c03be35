import type { Cluster, ClusterWorker } from "../../api/types";
import { Panel } from "../../ui/Panel";
import { Shards } from "./Shards";

/** Embedded mode: the server itself measures. */
export function ThisServer({ cluster, server }: { cluster: Cluster; server: ClusterWorker }) {
  return (
    <Panel title="This server measures by itself">
      <div class="this-server">
        <p>
          There is no cluster: this very process starts an engine process for each shard, in {server.slots} slots (
          <code>distributed.worker_count</code>).{" "}
          {cluster.max_running === 1 ? "One benchmark runs" : `${cluster.max_running} benchmarks run`} at a time, so
          that they do not disturb each other.
        </p>
        <Shards worker={server} />
        <p class="muted">
          To measure from other machines, start <code>llm-test-bench scheduler</code> and{" "}
          <code>llm-test-bench worker</code>, and set <code>distributed.enable_distributed</code>.
        </p>
      </div>
    </Panel>
  );
}
