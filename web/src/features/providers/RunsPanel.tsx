import { listBenchmarks } from "../../api/endpoints";
import type { BenchmarkListItem } from "../../api/types";
import { StatusBadge } from "../../ui/Badge";
import { Moment } from "../../ui/Moment";
import { dollars, duration, percent } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { Failure, Loading } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { useLoad } from "../../ui/useLoad";

const ROWS = 8;

/** How it did under load lately: the newest benchmarks that used it. */
export function RunsPanel({ name }: { name: string }) {
  const load = useLoad(name, (signal) => listBenchmarks({ provider: name, limit: ROWS }, signal));
  const runs = load.data.value?.items;
  return (
    <Panel
      title="Under load"
      flush
      aside={runs && runs.length > 0 && <a href={`/?provider=${encodeURIComponent(name)}`}>All its benchmarks</a>}
    >
      {!runs && load.error.value && <Failure error={load.error.value} what="its benchmarks" retry={load.reload} />}
      {!runs && !load.error.value && <Loading what="its benchmarks" />}
      {runs?.length === 0 && <p class="panel-note muted">No benchmark that you may see has used it yet.</p>}
      {runs && runs.length > 0 && (
        <TableFrame label="Its newest benchmarks">
          <table class="table cards runs-table">
            <thead>
              <tr>
                <th scope="col">Benchmark</th>
                <th scope="col">Status</th>
                <th scope="col">Model</th>
                <th scope="col" class="right">
                  TTFT p50
                </th>
                <th scope="col" class="right">
                  Errors
                </th>
                <th scope="col" class="right">
                  Cost
                </th>
                <th scope="col">When</th>
              </tr>
            </thead>
            <tbody>
              {runs.map((run) => (
                <Row key={run.id} run={run} name={name} />
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </Panel>
  );
}

function Row({ run, name }: { run: BenchmarkListItem; name: string }) {
  const models = run.targets.filter(({ provider }) => provider === name).map(({ model }) => model);
  return (
    <tr>
      <th scope="row" class="whole run-name">
        <a href={`/benchmarks/${run.id}`}>{run.name}</a>
      </th>
      <td data-label="Status">
        <StatusBadge status={run.status} />
      </td>
      <td data-label="Model" class="run-model">
        {models.join(", ")}
      </td>
      <td data-label="TTFT p50" class="right number">
        {duration(run.headline?.ttft_p50_ms)}
      </td>
      <td data-label="Errors" class={`right number${run.headline?.error_rate ? " has-errors" : ""}`}>
        {percent(run.headline?.error_rate)}
      </td>
      <td data-label="Cost" class="right number">
        {dollars(run.headline?.cost_usd)}
      </td>
      <td data-label="When">
        <Moment at={run.created_at} />
      </td>
    </tr>
  );
}
