/** The shape of a latency: its cumulative distribution and its percentile spectrum, with 95 % bands. */

import { useMemo } from "preact/hooks";
import { getDistributions } from "../../api/endpoints";
import type { Benchmark, Curve, Distributions } from "../../api/types";
import { query, setQuery } from "../../app/router";
import { type LineSeries, LinesChart, type LinesView, wantsLog, zoomOf } from "../../charts";
import { describeLevel, METRIC_NAMES } from "../../ui/describe";
import { SelectField } from "../../ui/Field";
import { clock, count, type DurationScale, durationScale, percent, significant } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { Loading, Notice } from "../../ui/states";
import { useLoad } from "../../ui/useLoad";

const METRICS = [
  "ttft_ms",
  "ttft_from_intended_ms",
  "tpot_ms",
  "icl_ms",
  "e2e_ms",
  "e2e_from_intended_ms",
  "ttfo_ms",
  "ttfb_ms",
  "stream_end_ms",
  "schedule_delay_ms",
  "connect_ms",
  "tls_ms",
];

export function metricName(metric: string): string {
  const base = metric.replace("_from_intended", "");
  const name = METRIC_NAMES[base] ?? base;
  return base === metric ? name : `${name} from the intended start`;
}

export function DistributionPanels({ benchmark }: { benchmark: Benchmark }) {
  const metric = METRICS.find((one) => one === query.value.get("metric")) ?? "ttft_ms";
  const [target, point] = (query.value.get("part") ?? "").split(".").map((text) => (text ? Number(text) : null));
  const zoom = zoomOf(benchmark.id).value;
  const window = zoom && { from_s: Math.max(0, zoom.min), to_s: zoom.max };
  const key = `${benchmark.id} ${metric} ${target} ${point} ${window?.from_s} ${window?.to_s} ${benchmark.status}`;
  const { data, error } = useLoad(key, (signal) =>
    getDistributions(benchmark.id, { metric, target, point, ...window }, signal),
  );
  const found = data.value;
  return (
    <>
      <div class="distribution-choice">
        <SelectField
          label="Distribution of"
          name="metric"
          value={metric}
          onInput={(value) => setQuery({ metric: value === "ttft_ms" ? null : value })}
          options={METRICS.map((value) => ({ value, label: metricName(value) }))}
        />
        {found && found.parts.length > 0 && (
          <SelectField
            label="Part"
            name="part"
            value={query.value.get("part") ?? ""}
            onInput={(value) => setQuery({ part: value })}
            options={[
              { value: "", label: "all together" },
              ...found.parts.map((part) => ({
                value: `${part.target}.${part.point ?? ""}`,
                label: `${part.provider} / ${part.model}${part.level === null ? "" : `, ${describeLevel(benchmark.spec.explore?.parameter, part.level)}`}`,
              })),
            ]}
          />
        )}
      </div>
      {error.value && <Notice error={error.value} what="The distributions could not be read." />}
      {!found && !error.value && <Loading what="the distributions" />}
      {found && <Curves found={found} />}
    </>
  );
}

function Curves({ found }: { found: Distributions }) {
  const curves = found.curves.filter(({ n }) => n > 0);
  const { cdf, spectrum, scale } = useMemo(() => views(curves), [found]);
  const name = metricName(found.metric);
  if (curves.length === 0) {
    return (
      <Panel title={`Distribution of ${name}`}>
        <p class="muted">{found.note ?? "Nothing of it was measured."}</p>
      </Panel>
    );
  }
  const note = found.note ? `${found.note.charAt(0).toUpperCase()}${found.note.slice(1)}.` : null;
  return (
    <div class="run-charts">
      <LinesChart
        title={`Distribution of ${name}`}
        view={cdf}
        axis={cdf.x.scale.kind === "log" ? `${scale.unit}, logarithmic` : scale.unit}
        note={<>Band: the whole curve, 95 % (Dvoretzky–Kiefer–Wolfowitz). {note}</>}
      />
      <LinesChart
        title={`Percentiles of ${name}`}
        view={spectrum}
        axis={scale.unit}
        note="Band: each percentile by itself, 95 % (order statistics), where n is enough. The axis counts nines."
      />
    </div>
  );
}

const LABELS: Record<Curve["scope"], string> = { run: "whole run", steady: "steady window", window: "zoomed" };

function label(curve: Curve): string {
  const span = curve.from_s === null || curve.to_s === null ? "" : ` ${clock(curve.from_s)}–${clock(curve.to_s)}`;
  return `${LABELS[curve.scope]}${span}, n = ${count(curve.n)}`;
}

const COLOURS: Record<Curve["scope"], number> = { run: 0, steady: 2, window: 1 };

function views(curves: readonly Curve[]): { cdf: LinesView; spectrum: LinesView; scale: DurationScale } {
  const scale = durationScale(curves.flatMap(({ mean_ms }) => (mean_ms === null ? [] : [mean_ms])));
  const scaled = (values: readonly (number | null)[]) =>
    values.map((one) => (one === null ? null : one * scale.factor));
  const known = (values: readonly number[]) => values.map((one) => one * scale.factor);
  const low = Math.min(...curves.map(({ min_ms }) => min_ms ?? 0)) * scale.factor;
  const high = Math.max(...curves.map(({ max_ms }) => max_ms ?? 0)) * scale.factor || 1;
  const isLog = wantsLog(low, high);
  const nines = Math.max(90, ...curves.map(({ spectrum }) => spectrum.percentile.at(-1) ?? 0));
  const common = (curve: Curve) => ({ label: label(curve), colour: COLOURS[curve.scope] });
  const duration = (value: number) => significant(value);
  return {
    scale,
    cdf: {
      x: {
        label: scale.unit,
        scale: { kind: isLog ? "log" : "linear", min: isLog ? low : 0, max: high },
        write: duration,
      },
      y: { label: "share of requests", scale: { kind: "linear", min: 0, max: 1 }, write: percentTick },
      series: curves.map((curve): LineSeries => {
        const { value_ms, share, low: lows, high: highs } = curve.cdf;
        return { ...common(curve), kind: "step", xs: known(value_ms), ys: share, lows, highs };
      }),
    },
    spectrum: {
      x: { label: "percentile", scale: { kind: "nines", min: 0, max: nines }, write: (value) => `p${trimmed(value)}` },
      y: { label: scale.unit, scale: { kind: "linear", min: 0, max: high * 1.05 }, write: duration },
      series: curves.map((curve): LineSeries => {
        const { percentile, value_ms, low_ms, high_ms } = curve.spectrum;
        return {
          ...common(curve),
          kind: "line",
          xs: percentile,
          ys: known(value_ms),
          lows: scaled(low_ms),
          highs: scaled(high_ms),
        };
      }),
    },
  };
}

function percentTick(share: number): string {
  return share === 0 || share === 1 ? `${share * 100} %` : percent(share).replace(/\.?0+ %$/, " %");
}

function trimmed(percentile: number): string {
  const digits = percentile < 99 ? 1 : Math.ceil(-Math.log10(100 - percentile)) + 2;
  return String(Number(percentile.toFixed(Math.min(8, Math.max(1, digits)))));
}
