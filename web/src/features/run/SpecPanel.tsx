import type { BenchmarkSpec } from "../../api/types";
import { describeLoad, describeStop, describeTarget, describeWorkload } from "../../ui/describe";
import { duration } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";

/** What was asked for, in words, and whole as JSON. */
export function SpecPanel({ spec }: { spec: BenchmarkSpec }) {
  const slo = Object.entries(spec.slo ?? {}).flatMap(([name, limit]) =>
    limit == null ? [] : [`${name.replace(/_ms$/, "")} ≤ ${duration(limit)}`],
  );
  const lines: [string, string][] = [
    ["Targets", spec.targets.map(describeTarget).join(", then ")],
    ["Workload", describeWorkload(spec.workload)],
    ["Load", describeLoad(spec.load)],
    ["Stop after", describeStop(spec.stop)],
    ["SLO", slo.join(", ") || "none"],
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
      </dl>
      <details class="spec-json">
        <summary>All of it as JSON</summary>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
        <pre tabIndex={0}>{JSON.stringify(spec, null, 2)}</pre>
      </details>
    </Panel>
  );
}
