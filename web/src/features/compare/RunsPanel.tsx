import type { ComparedRun, Comparison } from "../../api/types";
import { query, setQuery } from "../../app/router";
import { Badge, type Tone } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import type { IconName } from "../../ui/icons";
import { count, percent, significant } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { TableFrame } from "../../ui/TableFrame";
import { readSelection } from "./selection";

const VERDICTS: Record<string, { tone: Tone; icon: IconName; word: string }> = {
  trusted: { tone: "ok", icon: "check", word: "trusted" },
  suspect: { tone: "warn", icon: "alert", word: "suspect" },
  client_bound: { tone: "bad", icon: "cross", word: "client-bound" },
};

/** What is compared: which is the baseline, in what part, and how far to trust each. */
export function RunsPanel({ comparison }: { comparison: Comparison }) {
  const { runs } = comparison;
  const chosen = readSelection(query.value).baseline; // what was asked for, while its answer is under way
  const remove = (run: ComparedRun) =>
    setQuery({
      ids: runs
        .filter((each) => each !== run)
        .map((each) => each.id)
        .join(","),
    });
  return (
    <Panel title="Runs" flush>
      <TableFrame label="Runs">
        <table class="table cards">
          <thead>
            <tr>
              <th scope="col">Baseline</th>
              <th scope="col">Run</th>
              <th scope="col">Target</th>
              <th scope="col">Certificate</th>
              <th scope="col" class="right">
                Requests
              </th>
              <th scope="col" class="right">
                Length <span class="unit">s</span>
              </th>
              <th scope="col" class="right">
                Errors
              </th>
              <th scope="col">Part</th>
              <th scope="col">
                <span class="visually-hidden">Leave out</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.map((run) => (
              <tr key={run.id}>
                <td data-label="Baseline">
                  <input
                    type="radio"
                    name="baseline"
                    aria-label={`${run.label} ${run.name} is the baseline`}
                    checked={run.id === chosen}
                    onInput={() => setQuery({ baseline: run.id })}
                  />
                </td>
                <th scope="row" class="whole compared-name">
                  <span>
                    {run.label} <a href={`/benchmarks/${run.id}`}>{run.name}</a>
                  </span>
                </th>
                <td data-label="Target" class="compared-target">
                  {run.targets.join(", ")}
                </td>
                <td data-label="Certificate" title={run.certificate_reason ?? undefined}>
                  <Certificate verdict={run.certificate} />
                </td>
                <td data-label="Requests" class="right number">
                  {count(run.requests)}
                </td>
                <td data-label="Length, s" class="right number">
                  {significant(run.seconds)}
                </td>
                <td data-label="Errors" class="right number">
                  {percent(run.error_share)}
                </td>
                <td data-label="Part" title={run.source_reason ?? undefined}>
                  {run.window === "steady" ? "steady window" : "whole run"}
                  {run.source === "slices" && ", from slices"}
                </td>
                <td class="right">
                  <Button kind="quiet" title={`Leave out ${run.name}`} onClick={() => remove(run)}>
                    Leave out
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function Certificate({ verdict }: { verdict: string | null }) {
  const looks = verdict ? VERDICTS[verdict] : undefined;
  return looks ? <Badge {...looks} /> : <span class="muted">unknown</span>;
}
