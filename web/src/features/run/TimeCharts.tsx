/** Everything of a run that has a time axis: one zoom, one crosshair, the steady window shaded in all. */

import type { Benchmark, Heatmap as HeatmapCells } from "../../api/types";
import { type Band, Chart, Heatmap, zoomOf } from "../../charts";
import { Button } from "../../ui/Button";
import { chartsOf } from "./chart-specs";
import { useErrorChart, useOverTime } from "./over-time";
import type { RunStore } from "./store";

const EMPTY = { from_s: 0, width_s: 1, columns: 0, edges_ms: [], column: [], row: [], count: [] };

interface TimeChartsProps {
  run: RunStore;
  benchmark: Benchmark;
  bands: readonly Band[];
}

export function TimeCharts({ run, benchmark, bands }: TimeChartsProps) {
  const { heatmap, errors } = useOverTime(run, "ttft_ms");
  const failures = useErrorChart(run, errors);
  const zoom = zoomOf(run.id).value;
  return (
    <>
      {zoom && (
        <p class="zoomed" role="status">
          The charts show part of the run.{" "}
          <Button
            onClick={() => {
              zoomOf(run.id).value = null;
            }}
          >
            Show all of it
          </Button>
        </p>
      )}
      <div class="run-charts">
        {chartsOf(benchmark.spec.load).map((spec) => (
          <Chart key={spec.title} spec={spec} ring={run.ring} sync={run.id} bands={bands} />
        ))}
        <RunHeatmap run={run} heatmap={heatmap} bands={bands} />
        {failures && <Chart spec={failures.spec} ring={failures.ring} sync={run.id} bands={bands} />}
      </div>
    </>
  );
}

/** Apart from the charts, so that a longer axis is no work for them. */
function RunHeatmap({ run, heatmap, bands }: { run: RunStore; heatmap: HeatmapCells | null; bands: readonly Band[] }) {
  return (
    <Heatmap
      title="Time to first token, heatmap"
      data={heatmap ?? EMPTY}
      span={{ min: run.ring.x()[0] ?? 0, max: run.endS.value }}
      sync={run.id}
      bands={bands}
      note={heatmap?.note ?? (heatmap ? "Nothing was measured yet." : "Loading…")}
    />
  );
}
