/** What every chart has around it: title, unit, values in a fixed place, and what one can do with it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type CsvCell, saveCsv } from "../ui/csv";
import "./charts.css";
import { readyForPrint } from "./print";
import { savePng } from "./save";

readyForPrint();

interface ChartFrameProps {
  title: string;
  /** Beside the title: units, and what an axis is. */
  axis?: ComponentChildren;
  /** At the right of it: where the cursor is. */
  readout?: ComponentChildren;
  legend?: ComponentChildren;
  /** The values that are shown, with a row of names; called when they are asked for. */
  rows: () => Iterable<readonly CsvCell[]>;
  children: ComponentChildren;
}

export function ChartFrame({ title, axis, readout, legend, rows, children }: ChartFrameProps) {
  const figure = useRef<HTMLElement>(null);
  const [isFull, setFull] = useState(false);
  useEffect(() => {
    const follow = () => setFull(figure.current !== null && document.fullscreenElement === figure.current);
    document.addEventListener("fullscreenchange", follow);
    return () => document.removeEventListener("fullscreenchange", follow);
  }, []);
  const toggleFull = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else figure.current?.requestFullscreen().catch(() => {});
  };
  return (
    <figure ref={figure} class="chart panel" aria-label={title}>
      <figcaption class="chart-head">
        <h2>{title}</h2>
        <span class="chart-axis">{axis}</span>
        <span class="chart-time number">{readout}</span>
        <span class="chart-tools">
          <button
            type="button"
            class="chart-tool"
            aria-label={`${title} as PNG`}
            onClick={() => figure.current && void savePng(figure.current, title)}
          >
            PNG
          </button>
          <button
            type="button"
            class="chart-tool"
            aria-label={`${title} as CSV`}
            onClick={() => saveCsv(title, rows())}
          >
            CSV
          </button>
          <button
            type="button"
            class="chart-tool"
            aria-pressed={isFull}
            aria-label={`${title}, full screen`}
            title={isFull ? "Leave full screen (esc)" : "Full screen"}
            onClick={toggleFull}
          >
            <svg width="11" height="11" viewBox="0 0 11 11" aria-hidden="true">
              <path d="M1 4V1h3M7 1h3v3M10 7v3H7M4 10H1V7" fill="none" stroke="currentColor" stroke-width="1.3" />
            </svg>
          </button>
        </span>
      </figcaption>
      {legend}
      {children}
    </figure>
  );
}
