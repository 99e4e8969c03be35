import type { Summary } from "../../api/summary";
import { describeTarget } from "../../ui/describe";
import { alignDecimals, count, dollars, durationScale, inScale, percent, significant } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { TableFrame } from "../../ui/TableFrame";

/** The figures of each target, when there are several. */
export function TargetPanel({ summary }: { summary: Summary }) {
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
      <TableFrame label="By target" tools>
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
      </TableFrame>
    </Panel>
  );
}
