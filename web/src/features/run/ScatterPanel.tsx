/** Any two measures of single requests against each other; a dot leads to its request. */

import { useMemo } from "preact/hooks";
import { listPoints } from "../../api/endpoints";
import type { Benchmark, PointField, Points, Workload } from "../../api/types";
import { navigate, query, setQuery } from "../../app/router";
import { type LineSeries, LinesChart, type LinesView, wantsLog } from "../../charts";
import { SelectField } from "../../ui/Field";
import { significant } from "../../ui/numbers";
import { Loading, Notice } from "../../ui/states";
import { useLoad } from "../../ui/useLoad";
import { requestHref } from "./request-address";

const FIELDS: Record<PointField, string> = {
  input_tokens: "input tokens",
  output_tokens: "output tokens",
  reasoning_tokens: "reasoning tokens",
  cache_read_tokens: "tokens from the cache",
  ttft_ms: "time to first token, ms",
  ttft_from_intended_ms: "time to first token from the intended start, ms",
  ttfo_ms: "time to first answer token, ms",
  ttfb_ms: "time to first byte, ms",
  tpot_ms: "time per output token, ms",
  e2e_ms: "end to end, ms",
  e2e_from_intended_ms: "end to end from the intended start, ms",
  stream_end_ms: "end of stream, ms",
  schedule_delay_ms: "schedule delay, ms",
  connect_ms: "connect, ms",
  tls_ms: "TLS, ms",
  started_s: "start, s of the run",
  index: "position in the schedule",
  chunks: "chunks",
  attempts: "tries",
  cost_usd: "cost, $",
};
const NAMES = Object.keys(FIELDS) as PointField[];

function chosen(name: "x" | "y", otherwise: PointField): PointField {
  return NAMES.find((field) => field === query.value.get(name)) ?? otherwise;
}

export function ScatterPanel({ benchmark }: { benchmark: Benchmark }) {
  const x = chosen("x", hasOneLength(benchmark.spec.workload) ? "started_s" : "input_tokens");
  const y = chosen("y", "ttft_ms");
  const { data, error } = useLoad(`${benchmark.id} ${x} ${y} ${benchmark.status}`, (signal) =>
    listPoints({ session_id: benchmark.id, x, y }, signal),
  );
  const points = data.value;
  const view = useMemo(() => points && viewOf(points), [points]);
  const options = NAMES.map((value) => ({ value, label: FIELDS[value] }));
  return (
    <section class="scatter" aria-label="Requests as points">
      <div class="distribution-choice">
        <SelectField label="Upwards" name="y" value={y} onInput={(value) => setQuery({ y: value })} options={options} />
        <SelectField label="Across" name="x" value={x} onInput={(value) => setQuery({ x: value })} options={options} />
      </div>
      {error.value && <Notice error={error.value} what="The requests could not be read." />}
      {!view && !error.value && <Loading what="the requests" />}
      {view && points && (
        <LinesChart
          title="Requests"
          axis={`${FIELDS[points.y]} by ${FIELDS[points.x]}`}
          view={view}
          onPick={(index) => navigate(requestHref(benchmark.id, index))}
          note={
            points.n === 0
              ? "No request has both measures."
              : `Shown: ${points.sampling}. Click a dot to open its request.`
          }
        />
      )}
    </section>
  );
}

/** Whether every request asks as much, so that what it took cannot depend on that. */
function hasOneLength(workload: Workload): boolean {
  if (workload.kind === "prompt") return true;
  return "input_tokens" in workload && typeof workload.input_tokens === "number";
}

function viewOf(points: Points): LinesView {
  const extremes = points.is_sample ? points.extremes.filter(({ x }) => x !== null) : [];
  const xs = [...points.xs, ...extremes.map(({ x }) => x ?? 0)];
  const ys = [...points.ys, ...extremes.map(({ y }) => y)];
  const part = (isOk: boolean) => points.index.map((_, row) => row).filter((row) => points.ok[row] === isOk);
  const series = (label: string, colour: number, rows: readonly number[]): LineSeries => ({
    label,
    colour,
    kind: "dots",
    xs: rows.map((row) => points.xs[row] ?? 0),
    ys: rows.map((row) => points.ys[row] ?? 0),
    ids: rows.map((row) => points.index[row] ?? 0),
  });
  const failed = part(false);
  return {
    x: { label: FIELDS[points.x], scale: scaleOf(xs), write: (value) => significant(value) },
    y: { label: FIELDS[points.y], scale: scaleOf(ys), write: (value) => significant(value) },
    series: [
      series("ok", 0, part(true)),
      ...(failed.length > 0 ? [series("failed", 1, failed)] : []),
      ...(extremes.length > 0
        ? [
            {
              label: "highest, chosen for that",
              colour: 3,
              kind: "dots" as const,
              xs: extremes.map(({ x }) => x ?? 0),
              ys: extremes.map(({ y }) => y),
              ids: extremes.map(({ index }) => index),
            },
          ]
        : []),
    ],
  };
}

function scaleOf(values: readonly number[]): LinesView["x"]["scale"] {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), 0);
  if (values.length > 0 && wantsLog(low, high)) return { kind: "log", min: low * 0.9, max: high * 1.1 };
  return { kind: "linear", min: Math.min(0, Number.isFinite(low) ? low : 0), max: high > 0 ? high * 1.05 : 1 };
}
