import { useEffect, useRef } from "preact/hooks";
import { getCluster } from "../../api/admin";
import type { Cluster } from "../../api/types";
import { may } from "../../app/session";
import { live } from "../../live";
import { freshness } from "../../live/staleness";
import { Icon } from "../../ui/icons";
import { age, count, MISSING } from "../../ui/numbers";
import { PageHead, Panel } from "../../ui/Panel";
import { Failure, Loading, Notice, Remark, sentence } from "../../ui/states";
import { useLoad } from "../../ui/useLoad";
import { useNow } from "../../ui/useNow";
import { Processes } from "./Processes";
import { Queue } from "./Queue";
import { ThisServer } from "./ThisServer";
import { WorkerTable } from "./WorkerTable";
import "./cluster.css";

const ASK_EVERY_MS = 4_000;
// One answer may be late by this much before it worries anybody.
const STALE_AFTER_MS = 7_000;
// Several benchmarks often change at once; one question serves them all.
const ASK_AFTER_EVENT_MS = 300;

export function ClusterPage() {
  const load = useLoad("cluster", getCluster);
  const cluster = load.data.value;
  const answered = useRef({ data: cluster, at: Date.now() });
  if (answered.current.data !== cluster) answered.current = { data: cluster, at: Date.now() };
  // One question at a time: a slow answer is waited for, not asked for anew again and again.
  useFollowing(() => {
    if (!load.loading.value) load.reload();
  });
  return (
    <>
      <PageHead title="Cluster" status={cluster && <Age since={answered.current.at} />} />
      {!cluster && load.error.value && <Failure error={load.error.value} what="the cluster" retry={load.reload} />}
      {!cluster && !load.error.value && <Loading what="the cluster" />}
      {cluster && load.error.value && <Notice error={load.error.value} what="This is the last that was heard." />}
      {cluster && <Shown cluster={cluster} askedAt={answered.current.at} reload={load.reload} />}
    </>
  );
}

/** Asks every few seconds while someone looks, and soon after a benchmark changes its state. */
function useFollowing(reload: () => void): void {
  useEffect(() => {
    const ask = () => {
      if (document.visibilityState === "visible") reload();
    };
    const timer = setInterval(ask, ASK_EVERY_MS);
    document.addEventListener("visibilitychange", ask);
    let soon: ReturnType<typeof setTimeout> | undefined;
    const askSoon = () => {
      clearTimeout(soon);
      soon = setTimeout(ask, ASK_AFTER_EVENT_MS);
    };
    const stop = live.subscribe({
      topics: [
        "benchmark.created",
        "benchmark.started",
        "benchmark.completed",
        "benchmark.failed",
        "benchmark.cancelled",
      ],
      onEvent: askSoon,
      onResume: askSoon,
    });
    return () => {
      clearInterval(timer);
      clearTimeout(soon);
      document.removeEventListener("visibilitychange", ask);
      stop();
    };
  }, []);
}

/** How old what is shown is; said only once it is older than it should be. */
function Age({ since }: { since: number }) {
  const silentMs = useNow(1000) - since;
  const look = freshness(silentMs, STALE_AFTER_MS);
  return (
    <span class={`connection connection-${look}`}>
      <span class="connection-dot" aria-hidden="true" />
      <span role="status">{look === "fresh" ? "live" : `${age(silentMs)} old`}</span>
    </span>
  );
}

function Shown({ cluster, askedAt, reload }: { cluster: Cluster; askedAt: number; reload: () => void }) {
  const [server] = cluster.workers;
  return (
    <div class="cluster">
      <dl class="tiles">
        <Tile name="Mode" value={cluster.mode === "embedded" ? "embedded" : "cluster"} />
        <Tile
          name="Benchmarks running"
          value={`${count(cluster.running)} / ${count(cluster.max_running)}`}
          hint={
            cluster.max_running_per_user
              ? `of one user at most ${count(cluster.max_running_per_user)}`
              : "at most at once"
          }
        />
        <Tile name="Waiting" value={count(cluster.waiting)} />
        <Tile
          name="Slots taken"
          value={cluster.problem ? MISSING : `${count(cluster.slots_taken)} / ${count(cluster.slots)}`}
          hint="one runs one shard"
        />
        <Tile name="Version" value={cluster.version} hint="of the server that answers" />
      </dl>
      {cluster.problem && (
        <div class="notice" role="alert">
          <Icon name="alert" />
          <div>
            <strong>The workers are not known.</strong> {sentence(cluster.problem)} What runs goes on; nothing new
            starts until the scheduler answers.
          </div>
        </div>
      )}
      {cluster.mode === "embedded" && server && <ThisServer cluster={cluster} server={server} />}
      {cluster.mode === "distributed" && cluster.workers.length > 0 && (
        <WorkerTable cluster={cluster} askedAt={askedAt} />
      )}
      {cluster.mode === "distributed" && cluster.workers.length === 0 && !cluster.problem && (
        <Remark tone="warn">
          <strong>No worker is connected.</strong> Benchmarks wait until there is one: start it with{" "}
          <code>llm-test-bench worker</code> on the machine that shall measure.
        </Remark>
      )}
      <Queue cluster={cluster} reload={reload} />
      {may("metrics.read") && (
        <Panel title="Server processes" flush>
          <Processes />
        </Panel>
      )}
    </div>
  );
}

function Tile({ name, value, hint }: { name: string; value: string; hint?: string }) {
  return (
    <div class="panel tile">
      <dt>{name}</dt>
      <dd>
        <span class="number tile-value">{value}</span>
        {hint && <span class="muted">{hint}</span>}
      </dd>
    </div>
  );
}
