import type { BenchmarkSpec } from "../../api/types";
import { describeLevel, describeSpan } from "../../ui/describe";
import { loadShape } from "./load-shape";

const WIDTH = 300;
const HEIGHT = 64;

/** What is offered over time, as far as the spec says; changes as one types. */
export function LoadPicture({ spec }: { spec: BenchmarkSpec }) {
  const shape = loadShape(spec.load, spec.stop ?? undefined, spec.explore ?? undefined);
  if (!shape) return <div class="load-picture load-picture-empty muted">Nothing to draw yet</div>;
  const highest = Math.max(...shape.corners.map(([, level]) => level));
  const x = (seconds: number) => (seconds / shape.spanSeconds) * WIDTH;
  const y = (level: number) => HEIGHT - (level / highest) * (HEIGHT - 3);
  const line = shape.corners.map(([at, level]) => `${x(at).toFixed(2)},${y(level).toFixed(2)}`).join(" ");
  const peak = shape.unit === "users" ? describeLevel("concurrency", highest) : describeLevel("rate", highest);
  const span = describeSpan(shape.spanSeconds);
  return (
    <figure class="load-picture">
      <figcaption>
        <span class="muted">{shape.unit === "users" ? "Users over time" : "Offered rate over time"}</span>
        <span class="number">{peak}</span>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`Up to ${peak} over ${span}${shape.note ? `, ${shape.note}` : ""}`}
      >
        <polygon points={`0,${HEIGHT} ${line} ${x(shape.corners.at(-1)?.[0] ?? 0).toFixed(2)},${HEIGHT}`} />
        <polyline points={line} />
      </svg>
      <div class="load-picture-axis number muted">
        <span>0</span>
        <span>
          {shape.note && <span class="load-picture-note">{shape.note} · </span>}
          {span}
        </span>
      </div>
    </figure>
  );
}
