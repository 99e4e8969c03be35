import { useState } from "preact/hooks";
import type { Calibration, Maybe, Summary, WindowedFigures } from "../../api/summary";
import type { BenchmarkSpec } from "../../api/types";
import { METRIC_NAMES } from "../../ui/describe";
import { CheckField, Choice } from "../../ui/Field";
import { duration, MISSING } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { TableFrame } from "../../ui/TableFrame";
import { type Cell, COLUMNS, metricTable, type Origin, plainTable } from "./metrics";
import { describeWindow } from "./window";

interface MetricPanelProps {
  figures: WindowedFigures;
  /** Of what, when that is not the whole run: " of local / llama". */
  of: string;
  /** Whether these are the figures of several loads together. */
  isMixture: boolean;
  calibration: Maybe<Calibration>;
  spec: BenchmarkSpec;
}

/** Every latency of a load, and of its steady window right under it. */
export function MetricPanel({ figures, of, isMixture, calibration, spec }: MetricPanelProps) {
  // In an open loop only the schedule's start is honest: waiting behind a slow server counts.
  const isClosed = spec.load.kind === "closed" || spec.load.kind === "closed_steps";
  const [origin, setOrigin] = useState<Origin>(isClosed ? "started" : "intended");
  const [showsIntervals, setShowsIntervals] = useState(true);
  const { scale, rows } = metricTable(figures.metrics, origin, figures.steady?.metrics);
  const hasSteady = rows.some((row) => row.isSteady);
  const hasIntervals = rows.some((row) => row.cells.some((cell) => cell.interval));
  // Of several loads together there is no window to speak of: each has its own.
  const window = isMixture && !figures.steady ? null : describeWindow(figures.window);
  return (
    <Panel
      flush
      title={`Latencies${of}, ${scale.unit}`}
      aside={
        <span class="metric-choices">
          {hasIntervals && <CheckField label="95 % intervals" checked={showsIntervals} onInput={setShowsIntervals} />}
          <Choice
            legend="Latencies count from"
            value={origin}
            onInput={(value) => setOrigin(value as Origin)}
            options={[
              { value: "started", label: "from the true start" },
              { value: "intended", label: "from the intended start" },
            ]}
          />
        </span>
      }
    >
      {window && (
        <p class="window-sentence muted">
          <span class="window-swatch" aria-hidden="true" /> {window}
        </p>
      )}
      <TableFrame label="Latencies" tools>
        <table class="table metrics">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              {hasSteady && <th scope="col">Of</th>}
              <Heads />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const error = row.isSteady ? null : instrumentError(row.key, calibration);
              const isPair = rows.some((other) => other.key === row.key && other.isSteady);
              return (
                <tr key={`${row.key} ${row.isSteady}`} class={row.isSteady ? "is-steady" : undefined}>
                  {!row.isSteady && (
                    <th scope="row" rowSpan={isPair ? 2 : 1}>
                      {METRIC_NAMES[row.key] ?? row.key} <code class="muted">{row.key.replace(/_ms$/, "")}</code>
                      {error && (
                        <span
                          class="metric-error muted"
                          title="The instrument's own error, by calibration at a like load"
                        >
                          {error}
                        </span>
                      )}
                    </th>
                  )}
                  {hasSteady && <td class="metric-of muted">{row.isSteady ? "steady" : "run"}</td>}
                  <td class="right number">{row.n}</td>
                  <Cells cells={row.cells} showsIntervals={showsIntervals} />
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

/** What servers say of themselves: not measured here, so apart from what was. */
export function ServerTimingsPanel({ timings }: { timings: Summary["server_timings"] }) {
  const { scale, rows } = plainTable(timings ?? {});
  if (rows.length === 0) return null;
  return (
    <Panel flush title={`Server timings, ${scale.unit}`} aside="as the server reports them of itself">
      <TableFrame label="Server timings" tools>
        <table class="table metrics">
          <thead>
            <tr>
              <th scope="col">Timing</th>
              <Heads />
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key}>
                <th scope="row">{row.key.replace(/_ms$/, "").replaceAll("_", " ")}</th>
                <td class="right number">{row.n}</td>
                <Cells cells={row.cells} showsIntervals={false} />
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function Heads() {
  return (
    <>
      {["n", ...COLUMNS].map((name) => (
        <th key={name} scope="col" class="right">
          {name}
        </th>
      ))}
    </>
  );
}

function Cells({ cells, showsIntervals }: { cells: readonly Cell[]; showsIntervals: boolean }) {
  return (
    <>
      {cells.map((cell, index) => (
        <td
          key={COLUMNS[index]}
          class="right number"
          title={cell.interval ? `95 % interval: ${cell.interval}` : undefined}
        >
          {cell.needs ? (
            <span class="cell-needs muted">{cell.needs}</span>
          ) : (
            <span class={cell.text === MISSING ? "muted" : "cell-value"}>{cell.text}</span>
          )}
          {showsIntervals && cell.interval && <span class="cell-interval muted">{cell.interval}</span>}
        </td>
      ))}
    </>
  );
}

function instrumentError(key: string, calibration: Maybe<Calibration>): string | null {
  const p99 = calibration?.errors_ms?.[key]?.p99;
  return p99 == null ? null : `± ${duration(p99)}`;
}
