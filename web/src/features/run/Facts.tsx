import type { ComponentChildren } from "preact";

/** A named value of a panel. */
export function Fact({ name, value, title }: { name: string; value: ComponentChildren; title?: string }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd class="number">{value}</dd>
    </div>
  );
}
