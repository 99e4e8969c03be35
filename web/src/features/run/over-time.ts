/** What a run's time axis shows beside its timeline: the heatmap, and failures by class. Read again while it lasts. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { getErrorTimeline, getHeatmap } from "../../api/endpoints";
import type { ErrorTimeline, Heatmap } from "../../api/types";
import { type ChartSpec, frames, Ring } from "../../charts";
import type { RunStore } from "./store";

// A heatmap of two hours is at most 16,000 cells: read often while a run is young, seldom later.
const EVERY_MS = 2_500;
const SELDOM_MS = 10_000;
const YOUNG_S = 300;

export function useOverTime(run: RunStore, metric: string): { heatmap: Heatmap | null; errors: ErrorTimeline | null } {
  const [heatmap, setHeatmap] = useState<Heatmap | null>(null);
  const [errors, setErrors] = useState<ErrorTimeline | null>(null);
  const isOver = run.isOver.value;
  const isPaused = run.isPaused.value;
  useEffect(() => {
    if (isPaused) return;
    const abort = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      try {
        const [cells, classes] = await Promise.all([
          getHeatmap(run.id, { metric }, abort.signal),
          getErrorTimeline(run.id, abort.signal),
        ]);
        if (abort.signal.aborted) return;
        setHeatmap(cells);
        setErrors(classes);
      } catch {
        // The next reading may work; the page's own notice says when the service is away.
      }
      if (abort.signal.aborted || isOver) return;
      const pause = (run.progress.peek()?.elapsed_s ?? 0) < YOUNG_S ? EVERY_MS : SELDOM_MS;
      timer = setTimeout(() => (document.hidden ? wait() : void read()), pause);
    };
    const wait = () => {
      timer = setTimeout(() => (document.hidden ? wait() : void read()), EVERY_MS);
    };
    void read();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [run, metric, isOver, isPaused]);
  return { heatmap, errors };
}

/** Failures by class as a chart with the time axis of the others; null while nothing has failed. */
export function useErrorChart(
  run: RunStore,
  errors: ErrorTimeline | null,
): { spec: ChartSpec; ring: Ring<string> } | null {
  const names = Object.keys(errors?.per_s ?? {}).slice(0, 8);
  const key = names.join();
  const chart = useMemo(() => {
    if (names.length === 0) return null;
    const spec: ChartSpec = {
      title: "Failures by class",
      left: { measure: "rate", label: "requests/s" },
      series: names.map((column, index) => ({ column, label: column, colour: (index + 1) % 8, axis: "left" })),
    };
    return { spec, ring: new Ring(names, run.ring.capacity) };
  }, [key, run]);
  const version = run.timelineVersion.value;
  useEffect(() => {
    if (!chart || !errors) return;
    fill(chart.ring, run.ring.x(), errors);
    frames.wake();
  }, [chart, errors, version]);
  return chart;
}

/** One row for each second of the run's own timeline, so that the charts have the same ends. */
export function fill(ring: Ring<string>, seconds: ArrayLike<number>, errors: ErrorTimeline): void {
  const known = Array.from(seconds);
  const width = (known[1] ?? 1) - (known[0] ?? 0) || 1;
  const last = (errors.t_s.at(-1) ?? 0) + errors.width_s;
  // While a run is young its failures may be known before the first settled second.
  for (let at = known.length > 0 ? (known.at(-1) ?? 0) + width : 0; at + width <= last; at += width) known.push(at);
  const place = new Map(known.map((at, row) => [Math.floor(at / width), row]));
  const rates = new Map(ring.columns.map((name) => [name, new Float64Array(known.length)]));
  errors.t_s.forEach((begin, point) => {
    const end = begin + errors.width_s;
    for (let slot = Math.floor(begin / width); slot * width < end; slot += 1) {
      const row = place.get(slot);
      const overlap = Math.min(end, (slot + 1) * width) - Math.max(begin, slot * width);
      if (row === undefined) continue;
      for (const [name, values] of rates) {
        values[row] = (values[row] ?? 0) + ((errors.per_s[name]?.[point] ?? 0) * overlap) / width;
      }
    }
  });
  ring.clear();
  known.forEach((at, row) => {
    ring.put(at, Object.fromEntries([...rates].map(([name, values]) => [name, values[row]])));
  });
}
