import type { PointFigures, PointVerdict, Summary } from "../../api/summary";
import type { BenchmarkSpec } from "../../api/types";
import { XyChart, type XySeries } from "../../charts";
import { Badge, type Tone } from "../../ui/Badge";
import { describeTarget, METRIC_NAMES, writeLevel } from "../../ui/describe";
import type { IconName } from "../../ui/icons";
import { alignDecimals, count, durationScale, inScale, MISSING, percent, significant } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { sentence } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { VERDICTS as CERTIFICATES } from "./CertificatePanel";
import {
  curves,
  frontier,
  interactivity,
  keepsLimit,
  metricOf,
  perSecond,
  pointsByTarget,
  scaleOf,
  watchedOf,
} from "./exploration";

/** What a sweep or search found: the answer, its curves, and every point. */
export function ExplorationPanel({ summary, spec }: { summary: Summary; spec: BenchmarkSpec }) {
  const groups = pointsByTarget(summary);
  const points = groups.flat();
  const answers = summary.exploration?.by_target ?? [];
  if (points.length === 0 && answers.length === 0) return null;
  return (
    <>
      {answers.length > 0 && (
        <section class="panel answer" aria-label="Answer">
          {answers.map((answer) => (
            <p key={describeTarget(answer)}>
              {answers.length > 1 && <span class="muted">{describeTarget(answer)}: </span>}
              {sentence(answer.statement ?? "no answer")}
            </p>
          ))}
        </section>
      )}
      {points.length > 1 && <Curves groups={groups} spec={spec} />}
      {points.length > 0 && <PointTable groups={groups} />}
    </>
  );
}

function Curves({ groups, spec }: { groups: readonly PointFigures[][]; spec: BenchmarkSpec }) {
  const points = groups.flat();
  const { metric, percentile, limitMs } = watchedOf(spec, points);
  const scale = scaleOf(points, metric, percentile);
  const isRate = points[0]?.parameter === "rate";
  const level = isRate ? "requests per second offered" : "users";
  const name = METRIC_NAMES[metric.replace("_from_intended", "")] ?? metric;
  const throughput = (point: PointFigures) => point.rates.output_tokens_per_s || point.rates.requests_per_s;
  const hasTokens = points.some((point) => point.rates.output_tokens_per_s);
  const unit = hasTokens ? "tok/s" : "req/s";
  return (
    <div class="run-charts run-curves">
      <XyChart
        hasLevels
        title="Throughput by level"
        xLabel={level}
        yLabel={unit}
        series={curves(
          groups,
          (point) => point.value,
          throughput,
          (value) => perSecond(value, unit),
        )}
      />
      <XyChart
        hasLevels
        title={`${name.charAt(0).toUpperCase()}${name.slice(1)} ${percentile} by level`}
        xLabel={level}
        yLabel={scale.unit}
        limit={
          limitMs === null
            ? null
            : { y: limitMs * scale.factor, label: `at most ${inScale(limitMs, scale)} ${scale.unit}` }
        }
        series={curves(
          groups,
          (point) => point.value,
          (point) => {
            const value = metricOf(point, metric)?.[percentile];
            return value == null ? null : value * scale.factor;
          },
          (value) => perSecond(value, scale.unit),
        )}
      />
      {hasTokens && points.some((point) => interactivity(point) !== null) && (
        <XyChart
          title="Throughput against speed per user"
          xLabel="tok/s for one user, median"
          yLabel="tok/s in all"
          series={[
            ...curves(groups, interactivity, throughput, (value) => perSecond(value, "tok/s")),
            ...frontierOf(groups, spec, throughput),
          ]}
        />
      )}
    </div>
  );
}

/** The best that keeps the limits: from here on more throughput costs each user speed. */
function frontierOf(
  groups: readonly PointFigures[][],
  spec: BenchmarkSpec,
  throughput: (point: PointFigures) => number | null | undefined,
): XySeries[] {
  const limits = watchedOf(spec, groups.flat());
  const kept = groups.map((points) => points.filter((point) => keepsLimit(point, limits)));
  const all = curves(kept, interactivity, throughput, (value) => perSecond(value, "tok/s"));
  const best = frontier(all.flatMap(({ points }) => points));
  const label = limits.limitMs === null ? "frontier" : "frontier within the limit";
  return best.length > 0 ? [{ label, colour: 2, points: best }] : [];
}

const VERDICTS: Record<PointVerdict, { tone: Tone; icon: IconName; word: string }> = {
  met: { tone: "ok", icon: "check", word: "met" },
  not_met: { tone: "bad", icon: "cross", word: "not met" },
  undecided: { tone: "warn", icon: "minus", word: "undecided" },
};

function PointTable({ groups }: { groups: readonly PointFigures[][] }) {
  const points = groups.flat();
  const hasVerdicts = points.some((point) => point.verdict);
  const hasCertificates = points.some((point) => point.instrument?.verdict);
  const hasReasons = points.some((point) => point.reason);
  const ttft = durationScale(
    points.flatMap((point) => [metricOf(point, "ttft_ms")?.p50, metricOf(point, "ttft_ms")?.p95]),
  );
  const tpot = durationScale(points.map((point) => metricOf(point, "tpot_ms")?.p95));
  const column = (read: (point: PointFigures) => string) => alignDecimals(points.map(read));
  const columns: [string, string[]][] = [
    ["Requests", column((point) => count(point.requests.total))],
    [
      "Errors",
      column((point) => percent(point.requests.total > 0 ? point.requests.failed / point.requests.total : null)),
    ],
    ["req/s", column((point) => significant(point.rates.requests_per_s))],
    ["tok/s", column((point) => significant(point.rates.output_tokens_per_s))],
    ["tok/s per user", column((point) => significant(interactivity(point)))],
    [`TTFT p50 ${ttft.unit}`, column((point) => inScale(metricOf(point, "ttft_ms")?.p50, ttft))],
    [`TTFT p95 ${ttft.unit}`, column((point) => inScale(metricOf(point, "ttft_ms")?.p95, ttft))],
    [`TPOT p95 ${tpot.unit}`, column((point) => inScale(metricOf(point, "tpot_ms")?.p95, tpot))],
  ];
  const level = points[0]?.parameter === "rate" ? "Rate, req/s" : "Users";
  return (
    <Panel flush title="Points" aside={`${count(points.length)} measured, by level`}>
      <TableFrame label="Points" tools>
        <table class="table points">
          <thead>
            <tr>
              <th scope="col" class="right">
                {level}
              </th>
              {groups.length > 1 && <th scope="col">Target</th>}
              {hasVerdicts && <th scope="col">Limits</th>}
              {columns.map(([name]) => (
                <th key={name} scope="col" class="right">
                  {name}
                </th>
              ))}
              {hasCertificates && <th scope="col">Instrument</th>}
              <th scope="col" class="right" title="In which order the levels were measured">
                Order
              </th>
              {hasReasons && <th scope="col">Why</th>}
            </tr>
          </thead>
          <tbody>
            {points.map((point, row) => (
              <tr key={`${describeTarget(point)} ${point.point}`}>
                <th scope="row" class="right number">
                  {writeLevel(point.parameter, point.value)}
                </th>
                {groups.length > 1 && <td>{describeTarget(point)}</td>}
                {hasVerdicts && <td>{point.verdict ? <Badge {...VERDICTS[point.verdict]} /> : MISSING}</td>}
                {columns.map(([name, texts]) => (
                  <td key={name} class="right number">
                    {texts[row]}
                  </td>
                ))}
                {hasCertificates && (
                  <td>
                    {point.instrument?.verdict ? (
                      <Badge {...CERTIFICATES[point.instrument.verdict]} title={point.instrument.reason ?? undefined} />
                    ) : (
                      MISSING
                    )}
                  </td>
                )}
                <td class="right number">{point.point + 1}</td>
                {hasReasons && <td class="muted point-reason">{point.reason ? sentence(point.reason) : ""}</td>}
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}
