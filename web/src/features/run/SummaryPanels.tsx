import { useState } from "preact/hooks";
import type { Summary } from "../../api/summary";
import type { BenchmarkSpec } from "../../api/types";
import { SelectField } from "../../ui/Field";
import { CertificatePanel } from "./CertificatePanel";
import { ChecksPanel } from "./ChecksPanel";
import { MetricPanel, ServerTimingsPanel } from "./MetricPanel";
import { partsOf } from "./parts";
import { TargetPanel } from "./TargetPanel";
import { TotalsPanel } from "./TotalsPanel";

/** Everything that a finished run found, but for its exploration, which stands above the charts. */
export function SummaryPanels({ summary, spec }: { summary: Summary; spec: BenchmarkSpec }) {
  const [chosen, setChosen] = useState("");
  const parts = partsOf(summary);
  const [whole] = parts;
  const part = parts.find(({ key }) => key === chosen) ?? whole;
  if (!part) return null;
  const of = parts.length > 1 ? ` of ${part.label}` : "";
  return (
    <>
      {summary.by_target && summary.by_target.length > 1 && <TargetPanel summary={summary} />}
      {parts.length > 1 && (
        <div class="part-choice">
          <SelectField
            label="Figures of"
            name="part"
            value={part.key}
            onInput={setChosen}
            options={parts.map(({ key, label }) => ({ value: key, label }))}
          />
        </div>
      )}
      <MetricPanel
        figures={part.figures}
        of={of}
        isMixture={parts.length > 1 && part === whole}
        calibration={summary.instrument?.calibration}
        spec={spec}
      />
      <div class="run-facts-panels">
        <TotalsPanel figures={part.figures} spec={spec} />
        <div class="run-column">
          <CertificatePanel instrument={summary.instrument} isImported={Boolean(summary.source)} />
          <ChecksPanel summary={summary} figures={part.figures} />
        </div>
      </div>
      <ServerTimingsPanel timings={part.figures.server_timings} />
    </>
  );
}
