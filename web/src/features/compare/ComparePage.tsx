import { compareBenchmarks, downloadComparison } from "../../api/endpoints";
import type { Comparison } from "../../api/types";
import { query, setQuery } from "../../app/router";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { PageHead, Panel } from "../../ui/Panel";
import { Failure, Loading, Notice } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";
import { Chooser } from "./Chooser";
import { DifferenceTable } from "./DifferenceTable";
import { Distributions } from "./Distributions";
import { RunsPanel } from "./RunsPanel";
import { LEAST_RUNS, readSelection, type Selection } from "./selection";
import "./compare.css";

export function ComparePage() {
  const selection = readSelection(query.value);
  const isReady = selection.ids.length >= LEAST_RUNS;
  return (
    <div class="compare">
      <PageHead title="Compare" actions={isReady && <CompareActions selection={selection} />} />
      {isReady && <Compared selection={selection} />}
      <Chooser ids={selection.ids} isOpen={!isReady} />
    </div>
  );
}

function wanted({ ids, baseline, window }: Selection) {
  return { ids: ids.join(","), baseline, window };
}

function CompareActions({ selection }: { selection: Selection }) {
  const { busy, error, run } = useAction();
  return (
    <>
      <select
        aria-label="Part of the runs"
        value={selection.window}
        onInput={(event) => setQuery({ window: event.currentTarget.value })}
      >
        <option value="steady">Steady windows</option>
        <option value="whole">Whole runs</option>
      </select>
      <Button
        busy={busy.value}
        title={error.value ? `Not saved: ${error.value.message}` : "One HTML file that opens offline"}
        onClick={() => void run(() => downloadComparison(wanted(selection)))}
      >
        {error.value ? "Report: try again" : "Report"}
      </Button>
    </>
  );
}

function Compared({ selection }: { selection: Selection }) {
  const asked = wanted(selection);
  const { data, error, loading, reload } = useLoad(JSON.stringify(asked), (signal) => compareBenchmarks(asked, signal));
  const comparison = data.value;
  if (!comparison) {
    return error.value ? (
      <Failure error={error.value} what="the comparison" retry={reload} />
    ) : (
      <Loading what="the comparison" />
    );
  }
  return (
    <div class="compare" aria-busy={loading.value}>
      {error.value && <Notice error={error.value} what="This is the comparison before." />}
      <Warnings comparison={comparison} />
      <Conclusions comparison={comparison} />
      <RunsPanel comparison={comparison} />
      {comparison.runs
        .filter((run) => !run.is_baseline)
        .map((run, position) => (
          <DifferenceTable key={run.id} comparison={comparison} position={position} />
        ))}
      <Distributions comparison={comparison} metric={selection.metric} />
      <Pairs comparison={comparison} />
      <Setup comparison={comparison} />
    </div>
  );
}

/** A number and its unit stay in one line. */
function withUnits(sentence: string): string {
  return sentence.replaceAll(/(?<=\d) (?=%|ms\b|s\b)/g, "\u00a0");
}

function Conclusions({ comparison }: { comparison: Comparison }) {
  return (
    <Panel title="What can be said">
      <ul class="conclusions">
        {comparison.conclusions.map((sentence) => (
          <li key={sentence}>{withUnits(sentence)}</li>
        ))}
      </ul>
      <p class="muted compare-note">
        Intervals are 95 %, widened for requests that depend on each other; verdicts hold for all{" "}
        {comparison.comparisons} comparisons together (Holm). “No difference” means at most {100 * comparison.margin} %.
      </p>
    </Panel>
  );
}

function Warnings({ comparison }: { comparison: Comparison }) {
  if (comparison.warnings.length === 0) return null;
  return (
    <div class="compare-warnings">
      <Icon name="alert" />
      <ul>
        {comparison.warnings.map((warning) => (
          <li key={warning.text}>{warning.text}</li>
        ))}
      </ul>
    </div>
  );
}

function Pairs({ comparison }: { comparison: Comparison }) {
  return (
    <Panel title="Prompt by prompt">
      <ul class="conclusions">
        {comparison.pairings.map((pairing) =>
          pairing.reason ? (
            <li key={pairing.run} class="muted">
              {pairing.run}: no pairs, because {pairing.reason}.
            </li>
          ) : (
            pairing.metrics.map((pair) => <li key={`${pairing.run} ${pair.metric}`}>{withUnits(pair.sentence)}</li>)
          ),
        )}
      </ul>
    </Panel>
  );
}

function Setup({ comparison }: { comparison: Comparison }) {
  if (comparison.setup.length === 0) {
    return (
      <Panel title="Setup">
        <p class="muted">Spec, program and machine are the same in all runs.</p>
      </Panel>
    );
  }
  return (
    <Panel title="What differs in spec, program and machine" flush>
      <TableFrame label="What differs">
        <table class="table setup-table">
          <thead>
            <tr>
              <th scope="col">Where</th>
              {comparison.runs.map((run) => (
                <th key={run.id} scope="col">
                  {run.label}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {comparison.setup.map((setup) => (
              <tr key={setup.path}>
                <th scope="row">
                  <code>{setup.path}</code>
                </th>
                {comparison.runs.map((run, index) => (
                  <td key={run.id}>{setup.values[index] ?? "—"}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}
