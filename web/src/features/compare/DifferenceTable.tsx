import type { Comparison } from "../../api/types";
import { Badge } from "../../ui/Badge";
import { Panel } from "../../ui/Panel";
import { TableFrame } from "../../ui/TableFrame";
import { changeOf, looksOf, reachOf, writeChange, writeChangeInterval, writeEstimate, writeInterval } from "./changes";
import { ForestPlot } from "./ForestPlot";
import "../../ui/table.css";

/** One run against the baseline: every number with its interval, the difference, and what may be said of it. */
export function DifferenceTable({ comparison, position }: { comparison: Comparison; position: number }) {
  const base = comparison.runs.find((run) => run.is_baseline);
  const run = comparison.runs.filter((each) => !each.is_baseline)[position];
  if (!base || !run) return null;
  const rows = comparison.figures.flatMap((figure) => {
    const found = figure.differences[position];
    return found && found.verdict !== "not_measured" ? [{ figure, found, change: changeOf(figure, found) }] : [];
  });
  const reach = reachOf(rows.map(({ change }) => change));
  const title = `${run.label} ${run.name} against ${base.label} ${base.name}`;
  return (
    <Panel title={title} flush>
      <TableFrame label={title}>
        <table class="table difference-table">
          <thead>
            <tr>
              <th scope="col">Figure</th>
              <th scope="col" class="right">
                {base.label}
              </th>
              <th scope="col" class="right">
                {run.label}
              </th>
              <th scope="col" class="right">
                Difference <span class="unit">95 % interval</span>
              </th>
              <th scope="col">
                <span class="forest-scale">
                  <span>−{100 * reach} %</span>
                  <span>+{100 * reach} %</span>
                </span>
              </th>
              <th scope="col">Verdict</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ figure, found, change }) => {
              const looks = looksOf(found);
              const factor = figure.unit === "" ? 100 : 1;
              return (
                <tr key={figure.name}>
                  <th scope="row">
                    {figure.words}
                    <span class="better-way">
                      {figure.lower_is_better ? "↓ lower is better" : "↑ higher is better"}
                    </span>
                  </th>
                  {[figure.baseline, found.estimate].map((number, which) => (
                    <td
                      key={which === 0 ? "base" : "run"}
                      class="right number"
                      title={number ? `n ${number.n}` : undefined}
                    >
                      {writeEstimate(number, figure.unit)}
                      <span class="cell-interval muted">{writeInterval(number?.interval, factor)}</span>
                    </td>
                  ))}
                  <td class="right number">
                    {writeChange(figure, found)}
                    <span class="cell-interval muted">{writeChangeInterval(figure, found) ?? "no interval"}</span>
                  </td>
                  <td>
                    <ForestPlot change={change} reach={reach} tone={looks.tone} />
                  </td>
                  <td title={found.sentence}>
                    <Badge {...looks} title={found.sentence} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}
