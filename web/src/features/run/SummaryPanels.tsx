import { useState } from "preact/hooks";
import type { BenchmarkSpec, Lag, Summary } from "../../api/types";
import { describeTarget, METRIC_NAMES } from "../../ui/describe";
import { Choice } from "../../ui/Field";
import {
  alignDecimals,
  count,
  type DurationScale,
  dollars,
  duration,
  durationScale,
  inScale,
  MISSING,
  NOT_APPLICABLE,
  percent,
  significant,
} from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { metricTable, type Origin, PERCENTILES } from "./metrics";
import "../../ui/table.css";

export function SummaryPanels({ summary, spec }: { summary: Summary; spec: BenchmarkSpec }) {
  return (
    <>
      <MetricPanel summary={summary} spec={spec} />
      {summary.by_target && summary.by_target.length > 1 && <TargetPanel summary={summary} />}
      <div class="run-facts-panels">
        <TotalsPanel summary={summary} spec={spec} />
        <InstrumentPanel summary={summary} />
      </div>
    </>
  );
}

function MetricPanel({ summary, spec }: { summary: Summary; spec: BenchmarkSpec }) {
  // In an open loop only the schedule's start is honest: waiting behind a slow server counts.
  const [origin, setOrigin] = useState<Origin>(spec.load.kind === "closed" ? "started" : "intended");
  const { scale, rows } = metricTable(summary.metrics, origin);
  return (
    <Panel
      flush
      title={`Latencies, ${scale.unit}`}
      aside={
        <Choice
          legend="Latencies count from"
          value={origin}
          onInput={(value) => setOrigin(value as Origin)}
          options={[
            { value: "started", label: "from the true start" },
            { value: "intended", label: "from the intended start" },
          ]}
        />
      }
    >
      <div class="table-frame">
        <table class="table metrics">
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col" class="right">
                n
              </th>
              {PERCENTILES.map((name) => (
                <th key={name} scope="col" class="right">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.key}>
                <th scope="row">
                  {METRIC_NAMES[row.key] ?? row.key} <code class="muted">{row.key.replace(/_ms$/, "")}</code>
                </th>
                <td class="right number">{row.n}</td>
                {row.cells.map((cell, index) => (
                  <td key={PERCENTILES[index]} class="right number">
                    {cell}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function TargetPanel({ summary }: { summary: Summary }) {
  const targets = summary.by_target ?? [];
  const scale = durationScale(targets.flatMap((target) => [target.metrics.ttft_ms?.p50, target.metrics.ttft_ms?.p95]));
  const tpotScale = durationScale(targets.map((target) => target.metrics.tpot_ms?.p50));
  const column = (texts: string[]) => alignDecimals(texts);
  const ttft50 = column(targets.map((target) => inScale(target.metrics.ttft_ms?.p50, scale)));
  const ttft95 = column(targets.map((target) => inScale(target.metrics.ttft_ms?.p95, scale)));
  const tpot = column(targets.map((target) => inScale(target.metrics.tpot_ms?.p50, tpotScale)));
  const rate = column(targets.map((target) => significant(target.rates.output_tokens_per_s)));
  return (
    <Panel title="By target" flush>
      <div class="table-frame">
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Target</th>
              {[
                "Requests",
                "Errors",
                `TTFT p50 ${scale.unit}`,
                `TTFT p95 ${scale.unit}`,
                `TPOT p50 ${tpotScale.unit}`,
                "Output tok/s",
                "Cost",
              ].map((name) => (
                <th key={name} scope="col" class="right">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {targets.map((target, index) => (
              <tr key={describeTarget(target)}>
                <th scope="row">{describeTarget(target)}</th>
                <td class="right number">{count(target.requests.total)}</td>
                <td class="right number">
                  {percent(target.requests.total > 0 ? target.requests.failed / target.requests.total : null)}
                </td>
                <td class="right number">{ttft50[index]}</td>
                <td class="right number">{ttft95[index]}</td>
                <td class="right number">{tpot[index]}</td>
                <td class="right number">{rate[index]}</td>
                <td class="right number">{dollars(target.cost_usd)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

function Fact({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd class="number">{value}</dd>
    </div>
  );
}

function TotalsPanel({ summary, spec }: { summary: Summary; spec: BenchmarkSpec }) {
  const { requests, tokens, rates } = summary;
  const hasSlo = Object.values(spec.slo ?? {}).some((limit) => limit != null);
  const source = tokens.source ? ` (${tokens.source})` : "";
  return (
    <Panel title="Totals">
      <dl class="facts">
        <Fact name="Duration" value={duration(summary.duration_seconds * 1000)} />
        <Fact name="Requests ok" value={count(requests.ok)} />
        <Fact name="Requests failed" value={count(requests.failed)} />
        <Fact name="Input tokens" value={count(tokens.input)} />
        <Fact name={`Output tokens${source}`} value={count(tokens.output)} title="Where the count comes from" />
        <Fact name="Reasoning tokens" value={count(tokens.reasoning)} />
        <Fact name="All tokens" value={`${significant(rates.total_tokens_per_s)} tok/s`} />
        <Fact
          name="Goodput"
          value={
            hasSlo
              ? rates.goodput_requests_per_s == null
                ? MISSING
                : `${significant(rates.goodput_requests_per_s)} req/s`
              : NOT_APPLICABLE
          }
          title={hasSlo ? "Requests per second that met every SLO limit" : "The run has no SLO limits"}
        />
        <Fact name="Good requests" value={hasSlo ? percent(rates.good_share) : NOT_APPLICABLE} />
      </dl>
    </Panel>
  );
}

function InstrumentPanel({ summary }: { summary: Summary }) {
  const instrument = summary.instrument;
  if (!instrument) return null;
  const { loop_lag_ms: loop, send_lag_ms: send } = instrument;
  const scale = durationScale([loop?.p50, loop?.p99, send?.p50, send?.p99]);
  return (
    <Panel title="Certificate: the instrument's own error">
      {instrument.reason && <p class="certificate-reason">{instrument.reason}</p>}
      <dl class="facts">
        <Fact
          name="Receive stamps"
          value={instrument.clock ?? MISSING}
          title="kernel: stamped on arrival by the kernel; user: when the program read"
        />
        <Fact name="Send lag p50 / p99 / max" value={lag(send, scale)} title="How late requests were sent" />
        <Fact name="Loop lag p50 / p99 / max" value={lag(loop, scale)} title="How late the instrument's loop woke" />
        <Fact
          name="Chunks sharing a stamp"
          value={percent(instrument.coalesced_share)}
          title="Arrived in one read; flagged, never given invented times"
        />
        <Fact name="CPU of the instrument" value={percent(instrument.cpu_share)} title="Of its core" />
        <Fact
          name="Clock steps"
          value={count(instrument.clock_steps)}
          title="Jumps of the system clock during the run"
        />
      </dl>
    </Panel>
  );
}

function lag(value: Lag | null, scale: DurationScale): string {
  if (!value) return MISSING;
  return `${inScale(value.p50, scale)} / ${inScale(value.p99, scale)} / ${duration(value.max, scale)}`;
}
