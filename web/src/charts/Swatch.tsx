import { DASHES, lineProperty } from "./palette";

/** How a series looks, in its legend. */
export function Swatch({ colour, order, isDot }: { colour: number; order: number; isDot?: boolean }) {
  if (isDot) {
    return (
      <svg class="chart-swatch" width="8" height="8" aria-hidden="true">
        <rect x="2" y="2" width="4" height="4" fill={`var(${lineProperty(colour)})`} />
      </svg>
    );
  }
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
