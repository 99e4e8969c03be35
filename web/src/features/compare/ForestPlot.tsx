import type { Change } from "./changes";

const WIDTH = 150;
const HEIGHT = 18;

/** An interval around "no change"; an end that is not known runs to the border. The numbers stand beside it. */
export function ForestPlot({ change, reach, tone }: { change: Change | null; reach: number; tone: string }) {
  if (!change) return null;
  const at = (value: number) => WIDTH / 2 + Math.max(-1, Math.min(1, value / reach)) * (WIDTH / 2 - 6);
  const left = change.low == null ? 0 : at(change.low);
  const right = change.high == null ? WIDTH : at(change.high);
  return (
    <svg
      class={`forest forest-${tone}`}
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      aria-hidden="true"
    >
      <line class="forest-zero" x1={WIDTH / 2} x2={WIDTH / 2} y1="0" y2={HEIGHT} />
      <line class="forest-reach" x1={left} x2={right} y1={HEIGHT / 2} y2={HEIGHT / 2} />
      <circle cx={at(change.middle)} cy={HEIGHT / 2} r="4" />
    </svg>
  );
}
