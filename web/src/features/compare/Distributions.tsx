import { useMemo } from "preact/hooks";
import type { Comparison } from "../../api/types";
import { setQuery } from "../../app/router";
import { type LineSeries, LinesChart, type LinesView } from "../../charts";
import { METRIC_NAMES } from "../../ui/describe";
import { count, durationScale, significant } from "../../ui/numbers";

type Curve = Comparison["runs"][number]["curves"][string];

/** The distributions of one metric: what share lies below, and the percentiles on an axis of nines. */
export function Distributions({ comparison, metric }: { comparison: Comparison; metric: string }) {
  const metrics = [...new Set(comparison.runs.flatMap((run) => Object.keys(run.curves)))];
  const shown = metrics.includes(metric) ? metric : (metrics[0] ?? "");
  const views = useMemo(() => viewsOf(comparison, shown), [comparison, shown]);
  if (!views) return null;
  const words = METRIC_NAMES[shown] ?? shown.replace(/_ms$/, "").replaceAll("_", " ");
  return (
    <>
      <div class="compare-choice">
        <label for="compare-metric">Distributions of</label>
        <select id="compare-metric" value={shown} onInput={(event) => setQuery({ metric: event.currentTarget.value })}>
          {metrics.map((name) => (
            <option key={name} value={name}>
              {METRIC_NAMES[name] ?? name.replace(/_ms$/, "").replaceAll("_", " ")}
            </option>
          ))}
        </select>
      </div>
      <div class="compare-charts">
        <LinesChart
          title={`Distribution of ${words}`}
          view={views.distribution}
          axis={views.unit}
          note="Up to the largest p99 of them."
        />
        <LinesChart
          title={`Percentiles of ${words}`}
          view={views.spectrum}
          axis={views.unit}
          note="The axis counts nines."
        />
      </div>
    </>
  );
}

interface Views {
  distribution: LinesView;
  spectrum: LinesView;
  unit: string;
}

/** The curves of one metric of every run that has it, in one unit; null when none has. */
function viewsOf(comparison: Comparison, metric: string): Views | null {
  const curves = comparison.runs.flatMap(({ label, name, curves: all }, colour) => {
    const curve = all[metric];
    return curve ? [{ label: `${label} ${name}, n = ${count(curve.n)}`, colour, curve }] : [];
  });
  if (curves.length === 0) return null;
  const scale = durationScale(curves.map(({ curve }) => valueAt(curve, 0.5)));
  const body = Math.max(...curves.map(({ curve }) => valueAt(curve, 0.99))) * scale.factor;
  const highest = Math.max(...curves.map(({ curve }) => curve.values_ms.at(-1) ?? 0)) * scale.factor;
  const most = Math.max(...curves.map(({ curve }) => curve.shares.at(-1) ?? 0));
  const seriesOf = (turned: boolean): LineSeries[] =>
    curves.map(({ label, colour, curve }) => {
      const values = curve.values_ms.map((value) => value * scale.factor);
      const percentiles = curve.shares.map((share) => 100 * share);
      return turned
        ? { label, colour, kind: "line", xs: percentiles, ys: values }
        : { label, colour, kind: "line", xs: values, ys: curve.shares };
    });
  return {
    unit: scale.unit,
    distribution: {
      x: { label: scale.unit, scale: { kind: "linear", min: 0, max: body || 1 }, write: significant },
      y: { label: "share at or below", scale: { kind: "linear", min: 0, max: 1 }, write: percentOf },
      series: seriesOf(false),
    },
    spectrum: {
      x: {
        label: "percentile",
        scale: { kind: "nines", min: 0, max: Math.max(90, 100 * most) },
        write: (value) => `p${Number(value.toFixed(6))}`,
      },
      y: { label: scale.unit, scale: { kind: "linear", min: 0, max: highest * 1.05 || 1 }, write: significant },
      series: seriesOf(true),
    },
  };
}

function percentOf(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
}

function valueAt(curve: Curve, share: number): number {
  const index = curve.shares.findIndex((each) => each >= share);
  return curve.values_ms[index < 0 ? curve.values_ms.length - 1 : index] ?? 0;
}
