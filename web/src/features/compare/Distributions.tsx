import type { Comparison } from "../../api/types";
import { setQuery } from "../../app/router";
import { METRIC_NAMES } from "../../ui/describe";
import { CurveChart, millisecondAxis, ninesAxis, SHARES } from "./CurveChart";

type Curve = Comparison["runs"][number]["curves"][string];

/** The distributions of one metric: what share lies below, and the percentiles on an axis of nines. */
export function Distributions({ comparison, metric }: { comparison: Comparison; metric: string }) {
  const metrics = [...new Set(comparison.runs.flatMap((run) => Object.keys(run.curves)))];
  const shown = metrics.includes(metric) ? metric : (metrics[0] ?? "");
  const curves = comparison.runs.flatMap((run) => {
    const curve = run.curves[shown];
    return curve ? [{ label: `${run.label} ${run.name}`, curve }] : [];
  });
  if (curves.length === 0) return null;
  const body = Math.max(...curves.map(({ curve }) => valueAt(curve, 0.99)));
  const highest = Math.max(...curves.map(({ curve }) => curve.values_ms.at(-1) ?? 0));
  const most = Math.max(...curves.map(({ curve }) => curve.shares.at(-1) ?? 0));
  const spectra = curves.map(({ label, curve }) => ({
    label,
    points: curve.shares.map((share, index) => [share, curve.values_ms[index] ?? 0] as const),
  }));
  const distributions = spectra.map(({ label, points }) => ({
    label,
    points: points.map(([share, value]) => [value, share] as const).filter(([value]) => value <= body),
  }));
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
        <CurveChart
          title={`Distribution of ${words}`}
          xLabel="ms, up to p99"
          yLabel="share at or below"
          lines={distributions}
          x={millisecondAxis(body)}
          y={SHARES}
        />
        <CurveChart
          title={`Percentiles of ${words}`}
          xLabel="percentile, logarithmic in the nines"
          yLabel="ms"
          lines={spectra}
          x={ninesAxis(most)}
          y={millisecondAxis(highest)}
        />
      </div>
    </>
  );
}

function valueAt(curve: Curve, share: number): number {
  const index = curve.shares.findIndex((each) => each >= share);
  return curve.values_ms[index < 0 ? curve.values_ms.length - 1 : index] ?? 0;
}
