/** A chart of lines with bands, or of dots, with legend, values at the cursor, zoom by drag, PNG, CSV and full screen. */

import { useSignalEffect } from "@preact/signals";
import type { ComponentChildren, TargetedKeyboardEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { ChartFrame } from "./ChartFrame";
import { type Point, pointAfter } from "./keys";
import { LinesPlot } from "./lines-plot";
import type { Found, LinesView } from "./lines-view";
import { frames } from "./loop";
import { paletteVersion } from "./palette";
import { Swatch } from "./Swatch";
import { toggled } from "./toggle";

interface LinesChartProps {
  title: string;
  view: LinesView;
  /** The unit or quantity upwards. */
  axis?: ComponentChildren;
  /** A dot was clicked. */
  onPick?: (id: number) => void;
  /** Under the drawing: what was sampled, what bands mean. */
  note?: ComponentChildren;
}

export function LinesChart({ title, view, axis, onPick, note }: LinesChartProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const plot = useRef<LinesPlot | null>(null);
  const pointed = useRef<Point | null>(null);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [found, setFound] = useState<Found | null>(null);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const made = new LinesPlot(element, view, setFound);
    plot.current = made;
    const remove = frames.add(made);
    const observer = new ResizeObserver(() => {
      made.resized();
      frames.wake();
    });
    observer.observe(element);
    return () => {
      remove();
      observer.disconnect();
      plot.current = null;
    };
  }, []);

  useEffect(() => {
    plot.current?.show(view, hidden);
    frames.wake();
  }, [view, hidden]);

  useSignalEffect(() => {
    if (paletteVersion.value === 0) return;
    plot.current?.recolour();
    frames.wake();
  });

  const at = (event: MouseEvent) => ({ left: event.offsetX, top: event.offsetY });
  const act = (what: () => void) => {
    what();
    frames.wake();
  };
  const pointTo = (to: Point | null) => {
    pointed.current = to;
    plot.current?.point(to);
  };
  const onKey = (event: TargetedKeyboardEvent<HTMLCanvasElement>) => {
    const { clientWidth: left, clientHeight: top } = event.currentTarget;
    const to = pointAfter(event, pointed.current, { left, top });
    const dot = event.key === "Enter" && pointed.current ? plot.current?.dotAt(pointed.current) : null;
    if (event.ctrlKey || event.metaKey || event.altKey || (to === undefined && dot == null)) return;
    event.preventDefault();
    event.stopPropagation();
    if (to !== undefined) act(() => pointTo(to));
    else if (dot != null) onPick?.(dot);
  };
  const first = found?.findIndex((row) => row !== null) ?? -1;
  const x = first >= 0 ? view.series[first]?.xs[found?.[first] ?? 0] : undefined;
  const isDotted = useMemo(() => view.series.some(({ kind }) => kind === "dots"), [view]);

  return (
    <ChartFrame
      title={title}
      axis={axis}
      readout={x === undefined ? "" : view.x.write(x)}
      rows={() => rowsOf(view)}
      legend={
        <div class="chart-legend">
          {view.series.map((series, index) => {
            const row = found?.[index];
            return (
              <button
                key={series.label}
                type="button"
                class="chart-key"
                aria-pressed={!hidden.has(index)}
                title="Click to hide or show, alt-click to see it alone"
                onClick={(event) => setHidden(toggled(hidden, index, view.series.length, event.altKey))}
              >
                <Swatch colour={series.colour} order={index} isDot={series.kind === "dots"} />
                <span class="chart-label">{series.label}</span>
                <span class="chart-value number">{row == null ? "" : describe(view, index, row)}</span>
              </button>
            );
          })}
        </div>
      }
    >
      <div class="lines-frame" data-drawing>
        <canvas
          ref={canvas}
          class={`lines-canvas${isDotted && onPick && first >= 0 ? " is-clickable" : ""}`}
          role="img"
          tabIndex={0}
          onKeyDown={onKey}
          aria-label={`${title}: ${view.series.map(({ label, xs }) => `${label}, ${xs.length} points`).join("; ")}`}
          onMouseMove={(event) => act(() => pointTo(at(event)))}
          onMouseLeave={() => act(() => pointTo(null))}
          onMouseDown={(event) => plot.current?.press(event.offsetX)}
          onMouseUp={(event) =>
            act(() => {
              if (plot.current?.release(event.offsetX)) return;
              const dot = plot.current?.dotAt(at(event));
              if (dot != null) onPick?.(dot);
            })
          }
          onDblClick={() => act(() => plot.current?.reset())}
        />
      </div>
      {note && <p class="chart-note muted">{note}</p>}
    </ChartFrame>
  );
}

function describe({ y, series }: LinesView, index: number, row: number): string {
  const line = series[index];
  const value = line?.ys[row];
  if (!line || value === undefined) return "";
  const low = line.lows?.[row];
  const high = line.highs?.[row];
  return low == null || high == null ? y.write(value) : `${y.write(value)} (${y.write(low)}–${y.write(high)})`;
}

function* rowsOf({ x, y, series }: LinesView) {
  const hasBands = series.some(({ lows }) => lows);
  const hasIds = series.some(({ ids }) => ids);
  yield ["series", x.label, y.label, ...(hasBands ? ["low", "high"] : []), ...(hasIds ? ["index"] : [])];
  for (const line of series) {
    for (const [row, at] of line.xs.entries()) {
      const bands = hasBands ? [line.lows?.[row], line.highs?.[row]] : [];
      yield [line.label, at, line.ys[row], ...bands, ...(hasIds ? [line.ids?.[row]] : [])];
    }
  }
}
