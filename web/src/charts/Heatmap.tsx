/** Latency over time as a heatmap that shares its time axis and zoom with the charts beside it. */

import { useSignalEffect } from "@preact/signals";
import type { TargetedKeyboardEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { durationScale, inScale } from "../ui/numbers";
import { ChartFrame } from "./ChartFrame";
import { type HeatCell, type HeatmapData, HeatmapPlot } from "./heatmap-plot";
import { type Point, pointAfter } from "./keys";
import { frames } from "./loop";
import { paletteVersion } from "./palette";
import { type Range, zoomOf } from "./shared";
import { type Band, writeTick, writeTime } from "./spec";

interface HeatmapProps {
  title: string;
  data: HeatmapData;
  /** The whole time axis, as the charts beside it have it. */
  span: Range;
  sync: string;
  bands: readonly Band[];
  note?: string | null;
}

export function Heatmap({ title, data, span, sync, bands, note }: HeatmapProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const plot = useRef<HeatmapPlot | null>(null);
  const pointed = useRef<Point | null>(null);
  const [cell, setCell] = useState<HeatCell | null>(null);
  const scale = useMemo(() => durationScale(data.edges_ms), [data]);
  const zoom = zoomOf(sync);

  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const made = new HeatmapPlot(element, data, (ms) => writeTick(ms, scale));
    plot.current = made;
    const remove = frames.add(made);
    const observer = new ResizeObserver(() => {
      made.touch();
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
    plot.current?.show(data, span, bands, (ms) => writeTick(ms, scale));
    frames.wake();
  }, [data, span.min, span.max, bands, scale]);

  useSignalEffect(() => {
    plot.current?.zoom(zoom.value);
    frames.wake();
  });

  useSignalEffect(() => {
    if (paletteVersion.value === 0) return;
    plot.current?.recolour();
    frames.wake();
  });

  const at = (event: MouseEvent) => ({ left: event.offsetX, top: event.offsetY });
  const pointTo = (to: Point | null) => {
    pointed.current = to;
    setCell(plot.current?.point(to) ?? null);
    frames.wake();
  };
  const onKey = (event: TargetedKeyboardEvent<HTMLCanvasElement>) => {
    const { clientWidth: left, clientHeight: top } = event.currentTarget;
    const to = pointAfter(event, pointed.current, { left, top });
    if (event.ctrlKey || event.metaKey || event.altKey || to === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    pointTo(to);
  };
  return (
    <ChartFrame
      title={title}
      axis={`${scale.unit}, logarithmic`}
      readout={
        cell
          ? `${writeTime(cell.from_s)}, ${inScale(cell.low_ms, scale)}–${inScale(cell.high_ms, scale)} ${scale.unit}: ${cell.count.toLocaleString("en-US")}`
          : ""
      }
      rows={() => rowsOf(data)}
    >
      <div class="heatmap-frame" data-drawing>
        <canvas
          ref={canvas}
          class="heatmap-canvas"
          role="img"
          tabIndex={0}
          onKeyDown={onKey}
          aria-label={`${title}: ${data.count.length} cells over ${data.columns} stretches of time`}
          onMouseMove={(event) => pointTo(at(event))}
          onMouseLeave={() => pointTo(null)}
          onMouseDown={(event) => plot.current?.press(event.offsetX)}
          onMouseUp={(event) => {
            const chosen = plot.current?.release(event.offsetX);
            if (chosen) zoom.value = chosen;
            frames.wake();
          }}
          onDblClick={() => {
            zoom.value = null;
          }}
        />
        {note && data.count.length === 0 && <p class="heatmap-empty muted">{note}</p>}
      </div>
    </ChartFrame>
  );
}

function* rowsOf(data: HeatmapData) {
  yield ["from_s", "to_s", "low_ms", "high_ms", "count"];
  for (const [cell, count] of data.count.entries()) {
    const begin = data.from_s + (data.column[cell] ?? 0) * data.width_s;
    const row = data.row[cell] ?? 0;
    yield [begin, begin + data.width_s, data.edges_ms[row], data.edges_ms[row + 1], count];
  }
}
