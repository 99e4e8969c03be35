import type { Summary } from "../../api/summary";
import type { BenchmarkSpec } from "../../api/types";
import { CertificatePanel } from "./CertificatePanel";
import { ChecksPanel } from "./ChecksPanel";
import { MetricPanel, ServerTimingsPanel } from "./MetricPanel";
import { TargetPanel } from "./TargetPanel";
import { TotalsPanel } from "./TotalsPanel";

/** Everything that a finished run found, but for its exploration, which stands above the charts. */
export function SummaryPanels({ summary, spec }: { summary: Summary; spec: BenchmarkSpec }) {
  return (
    <>
      <MetricPanel summary={summary} spec={spec} />
      {summary.by_target && summary.by_target.length > 1 && <TargetPanel summary={summary} />}
      <div class="run-facts-panels">
        <TotalsPanel summary={summary} spec={spec} />
        <div class="run-column">
          <CertificatePanel instrument={summary.instrument} />
          <ChecksPanel summary={summary} />
        </div>
      </div>
      <ServerTimingsPanel timings={summary.server_timings} />
    </>
  );
}
