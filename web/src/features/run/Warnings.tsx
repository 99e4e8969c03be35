import type { Summary } from "../../api/summary";
import { Icon } from "../../ui/icons";
import { sentence } from "../../ui/states";

/** What the run itself warns about, above its numbers. */
export function Warnings({ summary }: { summary: Summary }) {
  const warnings = summary.warnings ?? [];
  if (warnings.length === 0) return null;
  return (
    <section class="warnings" aria-label="Warnings">
      <Icon name="alert" />
      <ul>
        {warnings.map((warning) => (
          <li key={warning}>{sentence(warning)}</li>
        ))}
      </ul>
    </section>
  );
}
