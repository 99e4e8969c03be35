import type { ComponentChildren } from "preact";
import type { BenchmarkSpec } from "../../api/types";
import {
  describeExplore,
  describeExploredLoad,
  describeLoad,
  describeSpan,
  describeStop,
  describeTarget,
  describeWorkload,
} from "../../ui/describe";
import { count, dollars, duration } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";

function given(name: string, value: string | null | undefined): [string, string][] {
  return value ? [[name, value]] : [];
}

function describeGivenWindow(window: BenchmarkSpec["window"]): string {
  const parts: string[] = [];
  if (window?.warmup_seconds != null) parts.push(`without the first ${describeSpan(window.warmup_seconds)}`);
  if (window?.cooldown_seconds != null) parts.push(`without the last ${describeSpan(window.cooldown_seconds)}`);
  return parts.join(", ");
}

function describeLimits(limits: BenchmarkSpec["limits"]): string {
  const parts: string[] = [];
  if (limits?.requests_per_minute != null) parts.push(`${count(limits.requests_per_minute)} requests a minute`);
  if (limits?.tokens_per_minute != null) parts.push(`${count(limits.tokens_per_minute)} tokens a minute`);
  return parts.join(", ");
}

/** What was asked for, in words, and whole as JSON. */
export function SpecPanel({ spec, trace }: { spec: BenchmarkSpec; trace?: ComponentChildren }) {
  const slo = Object.entries(spec.slo ?? {}).flatMap(([name, limit]) =>
    limit == null ? [] : [`${name.replace(/_ms$/, "")} ≤ ${duration(limit)}`],
  );
  const lines: [string, string][] = [
    ["Targets", spec.targets.map(describeTarget).join(", then ")],
    ["Workload", describeWorkload(spec.workload)],
    ["Load", spec.explore ? describeExploredLoad(spec.load) : describeLoad(spec.load)],
    ...given("Levels", spec.explore && describeExplore(spec.explore)),
    ["Stop after", describeStop(spec.stop) || "the load's own end"],
    ["SLO", slo.join(", ") || "none"],
    ...given("Steady window", describeGivenWindow(spec.window)),
    ...given("Client's limits", describeLimits(spec.limits)),
    ...given("Budget", spec.budget_usd == null ? "" : dollars(spec.budget_usd)),
    ...given("Attempts", (spec.retry?.max_attempts ?? 1) > 1 ? `up to ${count(spec.retry?.max_attempts)}` : ""),
    ["Seed, workers", `${spec.seed ?? 0}, ${spec.workers ?? 1}`],
  ];
  return (
    <Panel title="Spec">
      <dl class="facts">
        {lines.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
        {trace && (
          <div>
            <dt>Trace</dt>
            <dd>{trace}</dd>
          </div>
        )}
      </dl>
      <details class="spec-json">
        <summary>All of it as JSON</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
        <pre tabIndex={0}>{JSON.stringify(spec, null, 2)}</pre>
      </details>
    </Panel>
  );
}
