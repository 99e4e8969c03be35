import type { Benchmark } from "../../api/types";
import { Sparkline } from "../../charts";
import { MISSING } from "../../ui/numbers";
import { finalFigures, liveFigures } from "./big-numbers";
import type { RunStore } from "./store";

// In characters: "$0.000130" is wider than a tile at 1,280 px.
const LONG = 8;

export function BigNumbers({ run, benchmark }: { run: RunStore; benchmark: Benchmark }) {
  const figures = benchmark.summary
    ? finalFigures(benchmark.summary, benchmark.spec.budget_usd)
    : liveFigures(run.progress.value, benchmark.spec);
  return (
    <dl class="figures">
      {figures.map((figure, index) => (
        <div key={index} class="figure panel" title={figure.title}>
          <dt>{figure.label}</dt>
          <dd class={`${figure.isBad ? "is-bad" : ""}${figure.value.length > LONG ? " is-long" : ""}`}>
            <span class="number">{figure.value}</span>
            {figure.unit && figure.value !== MISSING && <span class="figure-unit"> {figure.unit}</span>}
          </dd>
          <dd class="figure-line" aria-hidden="true">
            {figure.column && <Sparkline ring={run.ring} column={figure.column} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}
