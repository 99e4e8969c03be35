/** A few points per series over another quantity than time: drawn once, as SVG, with a label for every point. */

import { useEffect, useRef, useState } from "preact/hooks";
import "./charts.css";
import { DASHES, lineProperty } from "./palette";
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

  const points = series.flatMap((each) => each.points);
  const highest = Math.max(...points.map(({ y }) => y), limit ? limit.y * 1.05 : 0, 0);
  const xs = points.map(({ x }) => x);
  const xAxis = hasLevels ? levelAxis(xs) : linearAxis(Math.max(...xs, 0));
  const yAxis = linearAxis(highest);
  const left = (x: number) => MARGIN.left + place(xAxis, x) * (width - MARGIN.left - MARGIN.right);
  const top = (y: number) => HEIGHT - MARGIN.bottom - place(yAxis, y) * (HEIGHT - MARGIN.top - MARGIN.bottom);

  return (
    <figure class="chart panel" aria-label={title}>
      <figcaption class="chart-head">
        <h2>{title}</h2>
        <span class="chart-axis">
          {yLabel}
          {xAxis.isLog && " · x is logarithmic"}
        </span>
      </figcaption>
      {series.length > 1 && (
        <div class="chart-legend">
          {series.map((each, index) => (
            <span key={each.label} class="chart-key xy-key">
              <svg class="chart-swatch" width="22" height="8" aria-hidden="true">
                <line x1="0" x2="22" y1="4" y2="4" {...stroke(each.colour, index)} />
              </svg>
              <span class="chart-label">{each.label}</span>
            </span>
          ))}
        </div>
      )}
      <div class="xy-frame" ref={frame}>
        <svg
          width={width}
          height={HEIGHT}
          role="img"
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
          {series.map((each, index) => (
            <g key={each.label}>
              <polyline
                fill="none"
                points={each.points.map(({ x, y }) => `${left(x)},${top(y)}`).join(" ")}
                {...stroke(each.colour, index)}
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
    </figure>
  );
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
