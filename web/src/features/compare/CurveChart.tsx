/** Distributions of several runs over each other, as lines of a small SVG. */

import { useEffect, useRef, useState } from "preact/hooks";
import { DASHES, lineProperty } from "../../charts/palette";
import { type Axis, linearAxis, place } from "../../charts/xy";
import { significant } from "../../ui/numbers";
import "../../charts/charts.css";

export interface CurveLine {
  label: string;
  points: readonly (readonly [x: number, y: number])[];
}

interface CurveChartProps {
  title: string;
  xLabel: string;
  yLabel: string;
  lines: readonly CurveLine[];
  x: CurveAxis;
  y: CurveAxis;
}

export interface CurveAxis {
  at: (value: number) => number;
  ticks: readonly { value: number; text: string }[];
}

export function millisecondAxis(highest: number): CurveAxis {
  const axis: Axis = linearAxis(highest);
  return { at: (value) => place(axis, value), ticks: axis.ticks.map((value) => ({ value, text: significant(value) })) };
}

export const SHARES: CurveAxis = {
  at: (share) => share,
  ticks: [0, 0.25, 0.5, 0.75, 1].map((value) => ({ value, text: `${100 * value} %` })),
};

const NINES = [0, 0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];

/** Shares up to `most`, where 90 %, 99 % and 99.9 % stand equally far apart. */
export function ninesAxis(most: number): CurveAxis {
  const decades = Math.max(1, -Math.log10(Math.max(1 - most, 1e-9)));
  return {
    at: (share) => Math.min(1, -Math.log10(Math.max(1 - share, 1e-12)) / decades),
    ticks: NINES.filter((share) => share <= most + 1e-12).map((value) => ({
      value,
      text: `${Number((100 * value).toFixed(6))} %`,
    })),
  };
}

const HEIGHT = 240;
const MARGIN = { top: 10, right: 16, bottom: 36, left: 56 };

export function CurveChart({ title, xLabel, yLabel, lines, x, y }: CurveChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(480);
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(Math.max(220, element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const left = (value: number) => MARGIN.left + x.at(value) * (width - MARGIN.left - MARGIN.right);
  const top = (value: number) => HEIGHT - MARGIN.bottom - y.at(value) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  return (
    <figure class="chart panel" aria-label={title}>
      <figcaption class="chart-head">
        <h2>{title}</h2>
        <span class="chart-axis">{yLabel}</span>
      </figcaption>
      <div class="chart-legend">
        {lines.map((line, index) => (
          <span key={line.label} class="chart-key xy-key">
            <svg class="chart-swatch" width="22" height="8" aria-hidden="true">
              <line x1="0" x2="22" y1="4" y2="4" {...stroke(index)} />
            </svg>
            <span class="chart-label">{line.label}</span>
          </span>
        ))}
      </div>
      <div class="xy-frame" ref={frame}>
        <svg
          width={width}
          height={HEIGHT}
          role="img"
          aria-label={`${title}: ${lines.map(({ label }) => label).join(", ")}`}
        >
          {y.ticks.map(({ value, text }) => (
            <g key={value}>
              <line class="xy-grid" x1={MARGIN.left} x2={width - MARGIN.right} y1={top(value)} y2={top(value)} />
              <text class="xy-tick" x={MARGIN.left - 6} y={top(value) + 4} text-anchor="end">
                {text}
              </text>
            </g>
          ))}
          {x.ticks.map(({ value, text }) => (
            <text key={value} class="xy-tick" x={left(value)} y={HEIGHT - MARGIN.bottom + 15} text-anchor="middle">
              {text}
            </text>
          ))}
          <text class="xy-label" x={(MARGIN.left + width - MARGIN.right) / 2} y={HEIGHT - 4} text-anchor="middle">
            {xLabel}
          </text>
          {lines.map((line, index) => (
            <polyline
              key={line.label}
              fill="none"
              points={line.points.map(([a, b]) => `${left(a).toFixed(1)},${top(b).toFixed(1)}`).join(" ")}
              {...stroke(index)}
            />
          ))}
        </svg>
      </div>
    </figure>
  );
}

function stroke(order: number) {
  return {
    stroke: `var(${lineProperty(order)})`,
    "stroke-width": "1.75",
    "stroke-dasharray": (DASHES[order % DASHES.length] ?? []).join(" "),
  };
}
