import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { frames } from "./loop";
import { paletteVersion } from "./palette";
import type { Ring } from "./ring";
import { SparklinePlot } from "./sparkline-plot";

interface SparklineProps<Column extends string> {
  ring: Ring<Column>;
  column: Column;
}

/** The last sixty seconds of one column; decoration beside a number, so silent for screen readers. */
export function Sparkline<Column extends string>({ ring, column }: SparklineProps<Column>) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const plot = useRef<SparklinePlot<Column> | null>(null);

  useEffect(() => {
    if (!canvas.current) return;
    const made = new SparklinePlot(canvas.current, ring, column);
    plot.current = made;
    const remove = frames.add(made);
    const observer = new ResizeObserver(([entry]) => {
      if (entry) made.resize(entry.contentRect.width, entry.contentRect.height);
      frames.wake();
    });
    observer.observe(canvas.current);
    return () => {
      remove();
      observer.disconnect();
      plot.current = null;
    };
  }, [ring, column]);

  useSignalEffect(() => {
    if (paletteVersion.value === 0) return;
    plot.current?.recolour();
    frames.wake();
  });

  return (
    <div aria-hidden="true">
      <canvas class="sparkline" ref={canvas} />
    </div>
  );
}
