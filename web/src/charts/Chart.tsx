/** A titled chart with its own legend: values at the cursor in a fixed place, click hides a series, alt-click isolates it. */

import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import "./charts.css";
import { frames } from "./loop";
import { DASHES, lineProperty, paletteVersion } from "./palette";
import { Plot } from "./plot";
import type { Ring } from "./ring";
import { type Band, type ChartSpec, type SeriesSpec, writeTime, writeValue } from "./spec";

interface ChartProps<Column extends string> {
  spec: ChartSpec<Column>;
  ring: Ring<Column>;
  /** Charts with the same key share the cursor and the zoom. */
  sync: string;
  /** Stretches of the x axis to shade. */
  bands?: readonly Band[];
}

const NO_BANDS: readonly Band[] = [];

export function Chart<Column extends string>({ spec, ring, sync, bands = NO_BANDS }: ChartProps<Column>) {
  const canvas = useRef<HTMLDivElement>(null);
  const legend = useRef<HTMLDivElement>(null);
  const time = useRef<HTMLSpanElement>(null);
  const unit = useRef<HTMLSpanElement>(null);
  const plot = useRef<Plot<Column> | null>(null);
  const hidden = useSignal<ReadonlySet<Column>>(new Set());

  useEffect(() => {
    if (!canvas.current) return;
    // Values go straight into the page: ten times a second is no work for a component.
    const write = (row: number | null) => {
      const at = row ?? ring.length - 1;
      const x = ring.x()[at];
      if (time.current) time.current.textContent = x === undefined ? "" : row === null ? "latest" : writeTime(x);
      const scale = plot.current?.leftScale ?? null;
      if (unit.current) unit.current.textContent = scale?.unit ?? spec.left.label;
      spec.series.forEach((series, index) => {
        const cell = legend.current?.querySelector(`[data-series="${index}"]`);
        const values = ring.y(series.column);
        const value = writeValue(
          row === null ? newest(values) : values[row],
          spec[series.axis]?.measure,
          series.axis === "left" ? scale : null,
        );
        if (cell) cell.textContent = value;
      });
    };
    const made = new Plot(canvas.current, spec, ring, sync, { onCursor: write });
    plot.current = made;
    write(null);
    const remove = frames.add(made);
    return () => {
      remove();
      made.destroy();
      plot.current = null;
    };
  }, [spec, ring, sync]);

  useEffect(() => plot.current?.shade(bands), [spec, ring, sync, bands]);

  useSignalEffect(() => {
    if (paletteVersion.value > 0) plot.current?.recolour();
  });

  const toggle = (series: SeriesSpec<Column>, isolate: boolean) => {
    const next = new Set(hidden.value);
    if (isolate) {
      const others = spec.series.filter((other) => other.column !== series.column);
      const isIsolated = !next.has(series.column) && others.every((other) => next.has(other.column));
      next.clear();
      if (!isIsolated) for (const other of others) next.add(other.column);
    } else if (!next.delete(series.column)) {
      next.add(series.column);
    }
    hidden.value = next;
    for (const each of spec.series) plot.current?.show(each.column, !next.has(each.column));
  };

  return (
    <figure class="chart panel" aria-label={spec.title}>
      <figcaption class="chart-head">
        <h2>{spec.title}</h2>
        <span class="chart-axis">
          <span ref={unit} />
          {spec.right && ` · right: ${spec.right.label}`}
        </span>
        <span class="chart-time number" ref={time} />
      </figcaption>
      <div class="chart-legend" ref={legend}>
        {spec.series.map((series, index) => (
          <button
            key={series.column}
            type="button"
            class="chart-key"
            aria-pressed={!hidden.value.has(series.column)}
            title="Click to hide or show, alt-click to see it alone"
            onClick={(event) => toggle(series, event.altKey)}
          >
            <Swatch colour={series.colour} order={index} />
            <span class="chart-label">{series.label}</span>
            <span class="chart-value number" data-series={index} />
            {series.unit && <span class="chart-unit">{series.unit}</span>}
          </button>
        ))}
      </div>
      <div class="chart-canvas" ref={canvas} />
    </figure>
  );
}

/** The newest value that is one. */
function newest(values: Float64Array): number | undefined {
  return values.findLast((value) => !Number.isNaN(value));
}

function Swatch({ colour, order }: { colour: number; order: number }) {
  return (
    <svg class="chart-swatch" width="22" height="8" aria-hidden="true">
      <line
        x1="0"
        x2="22"
        y1="4"
        y2="4"
        stroke={`var(${lineProperty(colour)})`}
        stroke-width="2"
        stroke-dasharray={(DASHES[order % DASHES.length] ?? []).join(" ")}
      />
    </svg>
  );
}
