/** A titled chart with its own legend: values at the cursor in a fixed place, click hides a series, alt-click isolates it. */

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ChartFrame } from "./ChartFrame";
import { frames } from "./loop";
import { paletteVersion } from "./palette";
import { Plot } from "./plot";
import type { Ring } from "./ring";
import { Swatch } from "./Swatch";
import { zoomOf } from "./shared";
import { type Band, type ChartSpec, writeTime, writeValue } from "./spec";
import { toggled } from "./toggle";

interface ChartProps<Column extends string> {
  spec: ChartSpec<Column>;
  ring: Ring<Column>;
  /** Charts with the same key share the cursor and the zoom. */
  sync: string;
  /** Stretches of the x axis to shade. */
  bands?: readonly Band[];
}

const NO_BANDS: readonly Band[] = [];
// Numbers change at most four times a second.
const LEGEND_EVERY_MS = 250;

export function Chart<Column extends string>({ spec, ring, sync, bands = NO_BANDS }: ChartProps<Column>) {
  const canvas = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLDivElement>(null);
  const time = useRef<HTMLSpanElement>(null);
  const empty = useRef<HTMLParagraphElement>(null);
  const unit = useRef<HTMLSpanElement>(null);
  const plot = useRef<Plot<Column> | null>(null);
  const hidden = useSignal<ReadonlySet<number>>(new Set());

  useEffect(() => {
    if (!canvas.current) return;
    // Values go straight into the page: ten times a second is no work for a component.
    const cells = spec.series.map((_, index) => legend.current?.querySelector(`[data-series="${index}"]`));
    let pointed: number | null = null;
    let told = -1;
    const write = (row: number | null) => {
      pointed = row;
      told = ring.version;
      const at = row ?? ring.length - 1;
      const x = ring.x()[at];
      if (time.current) time.current.textContent = x === undefined ? "" : row === null ? "latest" : writeTime(x);
      const scale = plot.current?.leftScale ?? null;
      if (unit.current) unit.current.textContent = scale?.unit ?? spec.left.label;
      if (empty.current) empty.current.hidden = spec.series.some(({ column }) => newest(ring.y(column)) !== undefined);
      spec.series.forEach((series, index) => {
        const values = ring.y(series.column);
        const value = writeValue(
          row === null ? newest(values) : values[row],
          spec[series.axis]?.measure,
          series.axis === "left" ? scale : null,
        );
        const cell = cells[index];
        if (cell && cell.textContent !== value) cell.textContent = value;
      });
    };
    const made = new Plot(canvas.current, spec, ring, sync, { onCursor: write });
    plot.current = made;
    write(null);
    const remove = frames.add(made);
    // The newest values do not wait for the lines, which are seldom drawn when the run is long.
    const stop = frames.add({
      isDirty: () => told !== ring.version,
      draw: () => write(pointed),
      everyMs: () => LEGEND_EVERY_MS,
    });
    return () => {
      remove();
      stop();
      made.destroy();
      plot.current = null;
    };
  }, [spec, ring, sync]);

  useEffect(() => plot.current?.shade(bands), [spec, ring, sync, bands]);

  useSignalEffect(() => plot.current?.zoom(zoomOf(sync).value));

  useSignalEffect(() => {
    if (paletteVersion.value > 0) plot.current?.recolour();
  });

  const toggle = (index: number, isolate: boolean) => {
    hidden.value = toggled(hidden.value, index, spec.series.length, isolate);
    for (const [at, { column }] of spec.series.entries()) plot.current?.show(column, !hidden.value.has(at));
  };

  return (
    <ChartFrame
      title={spec.title}
      axis={
        <>
          <span ref={unit} />
          {spec.right && ` · right: ${spec.right.label}`}
        </>
      }
      readout={<span ref={time} />}
      rows={() => rowsOf(spec, ring)}
      legend={
        <div class="chart-legend" ref={legend}>
          {spec.series.map((series, index) => (
            <button
              key={series.column}
              type="button"
              class="chart-key"
              aria-pressed={!hidden.value.has(index)}
              title="Click to hide or show, alt-click to see it alone"
              onClick={(event) => toggle(index, event.altKey)}
            >
              <Swatch colour={series.colour} order={index} />
              <span class="chart-label">{series.label}</span>
              <span class="chart-value number" data-series={index} />
              {series.unit && <span class="chart-unit">{series.unit}</span>}
            </button>
          ))}
        </div>
      }
    >
      <div
        class="chart-canvas"
        ref={canvas}
        data-drawing
        role="img"
        aria-label={`${spec.title} over time: arrow keys show the values above`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keys move its cursor
        tabIndex={0}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.metaKey || event.altKey || !plot.current?.press(event)) return;
          event.preventDefault();
          event.stopPropagation();
        }}
      >
        <p ref={empty} class="chart-empty" hidden>
          Nothing measured
        </p>
      </div>
    </ChartFrame>
  );
}

function* rowsOf<Column extends string>(spec: ChartSpec<Column>, ring: Ring<Column>) {
  yield ["t_s", ...spec.series.map(({ column }) => column)];
  const columns = spec.series.map(({ column }) => ring.y(column));
  for (const [row, at] of ring.x().entries()) yield [at, ...columns.map((values) => values[row])];
}

/** The newest value that is one. */
function newest(values: Float64Array): number | undefined {
  return values.findLast((value) => !Number.isNaN(value));
}
