import type { ExplorationProgress, Instrument } from "../../api/summary";
import type { Benchmark } from "../../api/types";
import { freshness } from "../../live/staleness";
import { Badge } from "../../ui/Badge";
import { describeLevel } from "../../ui/describe";
import { age, clock, count, duration } from "../../ui/numbers";
import { useNow } from "../../ui/useNow";
import { VERDICTS } from "./CertificatePanel";
import type { RunStore } from "./store";

// Progress comes four times a second; two silent seconds are eight that did not come.
const STALE_AFTER_MS = 2_000;

/** How far it is, how long it will take, and how much the numbers can be trusted. */
export function ProgressStrip({ run, benchmark }: { run: RunStore; benchmark: Benchmark }) {
  const progress = run.progress.value;
  const isOver = run.isOver.value;
  const total = benchmark.summary?.requests.total;
  const done = isOver ? (total ?? progress?.completed) : progress?.completed;
  const planned = progress?.planned ?? plannedOf(benchmark);
  const share = isOver ? shareOf(run.status.value, done, planned) : (progress?.percent ?? null);
  const elapsed = isOver ? benchmark.summary?.duration_seconds : progress?.elapsed_s;
  return (
    <section class="panel progress-strip" aria-label="Progress">
      <span class="number progress-share">{share === null ? "" : `${Math.floor(share)} %`}</span>
      <Bar share={share} isMoving={run.status.value === "running"} />
      <span class="number">
        {count(done ?? 0)}
        {planned !== null && <span class="muted"> / {count(planned)}</span>}
      </span>
      <span class="progress-times">
        <span>
          <span class="muted">elapsed </span>
          <span class="number">{clock(elapsed ?? 0)}</span>
        </span>
        {!isOver && progress?.eta_s != null && (
          <span>
            <span class="muted">ETA </span>
            <span class="number">{clock(progress.eta_s)}</span>
          </span>
        )}
        {!isOver && progress && <Level progress={progress} isSearch={benchmark.spec.explore?.kind === "search"} />}
        {!isOver && benchmark.spec.targets.length > 1 && progress && (
          <span class="muted">
            target {progress.target_index + 1} of {benchmark.spec.targets.length}
          </span>
        )}
      </span>
      <span class="progress-end">
        {isOver ? <Certificate instrument={benchmark.summary?.instrument} /> : <DataAge run={run} />}
      </span>
    </section>
  );
}

/** "point 3 of ≤ 16: 32 users": which level is measured, of how many; a search may need fewer. */
function Level({ progress, isSearch }: { progress: ExplorationProgress; isSearch: boolean }) {
  const { point_index: index, points, level, parameter } = progress;
  if (index == null || points == null) return null;
  return (
    <span class="progress-level">
      <span class="muted">point </span>
      <span class="number">{index + 1}</span>
      <span class="muted"> of {isSearch && "≤ "}</span>
      <span class="number">{points}</span>
      {level != null && `: ${describeLevel(parameter, level)}`}
    </span>
  );
}

/** How far a run came that is over. */
function shareOf(status: string, done: number | undefined, planned: number | null): number | null {
  if (status === "completed") return 100;
  return planned && done !== undefined ? (100 * done) / planned : null;
}

function plannedOf({ spec }: Benchmark): number | null {
  if (!spec.stop?.requests || spec.explore?.kind === "search") return null;
  return spec.stop.requests * spec.targets.length * (spec.explore?.values.length ?? 1);
}

function Bar({ share, isMoving }: { share: number | null; isMoving: boolean }) {
  const isUnknown = share === null && isMoving;
  return (
    <div
      class={`bar-track${isUnknown ? " bar-unknown" : ""}`}
      role="progressbar"
      aria-label="Share done"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share === null ? undefined : Math.floor(share)}
    >
      <div
        class="bar-fill"
        style={isUnknown ? undefined : { transform: `scaleX(${Math.min(1, Math.max(0, (share ?? 0) / 100))})` }}
      />
    </div>
  );
}

function DataAge({ run }: { run: RunStore }) {
  const now = useNow(500);
  if (run.status.value === "pending")
    return (
      <a href="/cluster" title="The queue: why it waits, and who is before it">
        <Badge tone="quiet" icon="clock" word="waiting for its turn" />
      </a>
    );
  const waitsFor = run.progress.value?.waits_for;
  if (waitsFor) return <Badge tone="warn" icon="clock" word={`waits for ${waitsFor}`} />;
  if (!run.heardAt.value) return <Badge tone="quiet" icon="clock" word="waiting for data" />;
  const silentMs = now - run.heardAt.value;
  const look = freshness(silentMs, STALE_AFTER_MS);
  if (look === "fresh")
    return <Badge tone="ok" icon="pulse" word="live" title="The certificate comes with the end of the run" />;
  return <Badge tone={look === "stale" ? "warn" : "bad"} icon="alert" word={`data is ${age(silentMs)} old`} />;
}

/** The instrument's own verdict about itself. */
function Certificate({ instrument }: { instrument: Instrument | null | undefined }) {
  if (!instrument) return <Badge tone="quiet" icon="minus" word="no certificate" title="Nothing was measured" />;
  const look = VERDICTS[instrument.verdict];
  return (
    <span class="certificate" title={instrument.reason ?? undefined}>
      <span class="muted">certificate</span>
      <Badge {...look} />
      <span class="number muted" title="How late the instrument sent its requests, 99th percentile">
        send lag p99 {duration(instrument.send_lag_ms?.p99)}
      </span>
    </span>
  );
}
