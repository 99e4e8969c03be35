/** A few points per series over another quantity than time: drawn once, as SVG, with a label for every point. */

import { useEffect, useRef, useState } from "preact/hooks";
import { ChartFrame } from "./ChartFrame";
import { DASHES, lineProperty } from "./palette";
import { Swatch } from "./Swatch";
import { toggled } from "./toggle";
import { levelAxis, linearAxis, place } from "./xy";

export interface XyPoint {
  x: number;
  y: number;
  /** What the point is, for its tooltip and for screen readers. */
  label: string;
  /** Filled, or only a ring. */
  isHollow?: boolean;
}

export interface XySeries {
  label: string;
  colour: number;
  points: readonly XyPoint[];
}

interface XyChartProps {
  title: string;
  xLabel: string;
  yLabel: string;
  series: readonly XySeries[];
  /** Whether x are levels that were chosen, which may be drawn on a logarithmic axis. */
  hasLevels?: boolean;
  limit?: { y: number; label: string } | null;
}

const HEIGHT = 200;
const MARGIN = { top: 10, right: 16, bottom: 34, left: 52 };

export function XyChart({ title, xLabel, yLabel, series, hasLevels, limit }: XyChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(480);
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(Math.max(200, element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set());
  const [pointed, setPointed] = useState<XyPoint | null>(null);
  const shown = series.filter((_, index) => !hidden.has(index));
  const points = series.flatMap((each) => each.points);
  const highest = Math.max(...points.map(({ y }) => y), limit ? limit.y * 1.05 : 0, 0);
  const xs = points.map(({ x }) => x);
  const xAxis = hasLevels ? levelAxis(xs) : linearAxis(Math.max(...xs, 0));
  const yAxis = linearAxis(highest);
  const left = (x: number) => MARGIN.left + place(xAxis, x) * (width - MARGIN.left - MARGIN.right);
  const top = (y: number) => HEIGHT - MARGIN.bottom - place(yAxis, y) * (HEIGHT - MARGIN.top - MARGIN.bottom);

  return (
    <ChartFrame
      title={title}
      axis={`${yLabel}${xAxis.isLog ? " · x is logarithmic" : ""}`}
      readout={pointed?.label}
      rows={() => rowsOf(xLabel, yLabel, series)}
      legend={
        series.length > 1 && (
          <div class="chart-legend">
            {series.map((each, index) => (
              <button
                key={each.label}
                type="button"
                class="chart-key"
                aria-pressed={!hidden.has(index)}
                title="Click to hide or show, alt-click to see it alone"
                onClick={(event) => setHidden(toggled(hidden, index, series.length, event.altKey))}
              >
                <Swatch colour={each.colour} order={index} />
                <span class="chart-label">{each.label}</span>
              </button>
            ))}
          </div>
        )
      }
    >
      <div class="xy-frame" ref={frame} data-drawing>
        <svg
          width={width}
          height={HEIGHT}
          viewBox={`0 0 ${width} ${HEIGHT}`}
          role="img"
          onMouseMove={(event) => {
            const { left: x, top: y } = event.currentTarget.getBoundingClientRect();
            const away = (point: XyPoint) =>
              Math.hypot(left(point.x) - event.clientX + x, top(point.y) - event.clientY + y);
            const all = shown.flatMap((each) => each.points);
            setPointed(all.reduce<XyPoint | null>((best, one) => (best && away(best) <= away(one) ? best : one), null));
          }}
          onMouseLeave={() => setPointed(null)}
          aria-label={`${title}: ${points.map(({ label }) => label).join("; ")}`}
        >
          {yAxis.ticks.map((tick) => (
            <g key={tick}>
              <line class="xy-grid" x1={MARGIN.left} x2={width - MARGIN.right} y1={top(tick)} y2={top(tick)} />
              <text class="xy-tick" x={MARGIN.left - 6} y={top(tick) + 4} text-anchor="end">
                {writeTick(tick)}
              </text>
            </g>
          ))}
          {xAxis.ticks.map((tick) => (
            <text key={tick} class="xy-tick" x={left(tick)} y={HEIGHT - MARGIN.bottom + 15} text-anchor="middle">
              {writeTick(tick)}
            </text>
          ))}
          <text class="xy-label" x={(MARGIN.left + width - MARGIN.right) / 2} y={HEIGHT - 4} text-anchor="middle">
            {xLabel}
          </text>
          {limit && (
            <line class="xy-limit" x1={MARGIN.left} x2={width - MARGIN.right} y1={top(limit.y)} y2={top(limit.y)} />
          )}
          {shown.map((each) => (
            <g key={each.label}>
              <polyline
                fill="none"
                points={each.points.map(({ x, y }) => `${left(x)},${top(y)}`).join(" ")}
                {...stroke(each.colour, series.indexOf(each))}
              />
              {each.points.map((point) => (
                <circle
                  key={point.label}
                  class="xy-point"
                  cx={left(point.x)}
                  cy={top(point.y)}
                  r="4"
                  stroke={`var(${lineProperty(each.colour)})`}
                  fill={point.isHollow ? "var(--panel)" : `var(${lineProperty(each.colour)})`}
                >
                  <title>{point.label}</title>
                </circle>
              ))}
            </g>
          ))}
          {limit && (
            <text class="xy-limit-label" x={width - MARGIN.right} y={top(limit.y) - 5} text-anchor="end">
              {limit.label}
            </text>
          )}
        </svg>
      </div>
    </ChartFrame>
  );
}

function* rowsOf(xLabel: string, yLabel: string, series: readonly XySeries[]) {
  yield ["series", xLabel, yLabel, "point"];
  for (const { label, points } of series) for (const { x, y, label: name } of points) yield [label, x, y, name];
}

function stroke(colour: number, order: number) {
  return {
    stroke: `var(${lineProperty(colour)})`,
    "stroke-width": "1.75",
    "stroke-dasharray": (DASHES[order % DASHES.length] ?? []).join(" "),
  };
}

function writeTick(value: number): string {
  return value.toLocaleString("en-US", { maximumSignificantDigits: 3 });
}
