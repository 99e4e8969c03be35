/** The slowest and the failed requests, each a link to its waterfall; live while the run lasts. */

import { useEffect } from "preact/hooks";
import { listFailed, listPoints } from "../../api/endpoints";
import { Badge } from "../../ui/Badge";
import { count, duration, durationScale } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { requestHref } from "./request-address";
import type { RunStore } from "./store";

export function ExtremesPanel({ run }: { run: RunStore }) {
  const { slowest, failed } = run.extremes;
  const isOver = run.isOver.value;
  useEffect(() => {
    const abort = new AbortController();
    Promise.all([
      listPoints({ session_id: run.id, x: "ttft_ms", y: "e2e_ms", status: "ok", limit: 1 }, abort.signal),
      listFailed(run.id, 8, abort.signal),
    ]).then(
      ([points, page]) => run.extremes.fill(points, page.items),
      () => {}, // The lists fill as requests end; what the page could not read is told by its notices.
    );
    return () => abort.abort();
  }, [run, isOver]);
  const scale = durationScale(slowest.value.map(({ e2eMs }) => e2eMs));
  const longest = slowest.value[0]?.e2eMs ?? 1;
  if (isOver && slowest.value.length === 0 && failed.value.length === 0) return null;
  return (
    <Panel title={isOver ? "Slowest and failed" : "Slowest and failed, live"} flush>
      <div class="extremes">
        <ol aria-label="Slowest requests">
          {slowest.value.map(({ index, ttftMs, e2eMs }) => (
            <li key={index}>
              <a href={requestHref(run.id, index)} class="extreme">
                <span class="number extreme-index"># {count(index)}</span>
                <span class="number extreme-time">{duration(e2eMs, scale)}</span>
                <span class="extreme-bar" aria-hidden="true">
                  <span class="extreme-wait" style={{ width: `${(100 * (ttftMs ?? 0)) / longest}%` }} />
                  <span class="extreme-rest" style={{ width: `${(100 * (e2eMs - (ttftMs ?? 0))) / longest}%` }} />
                </span>
                <span class="muted number">TTFT {duration(ttftMs)}</span>
              </a>
            </li>
          ))}
          {slowest.value.length === 0 && <li class="muted extreme-none">No request has ended yet.</li>}
        </ol>
        <ol aria-label="Failed requests">
          {failed.value.map(({ index, errorType, error, attempts, afterMs }) => (
            <li key={index}>
              <a href={requestHref(run.id, index)} class="extreme extreme-failed" title={error ?? undefined}>
                <span class="number extreme-index"># {count(index)}</span>
                <Badge tone="bad" icon="cross" word={errorType} />
                <span class="muted extreme-error">
                  {attempts > 1 && `${attempts} tries, `}
                  {afterMs !== null && `after ${duration(afterMs)}. `}
                  {error}
                </span>
              </a>
            </li>
          ))}
          {failed.value.length === 0 && <li class="muted extreme-none">No request has failed.</li>}
        </ol>
      </div>
    </Panel>
  );
}
