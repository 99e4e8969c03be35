import type { BenchmarkSpec } from "../../api/types";
import { Button } from "../../ui/Button";
import { Panel } from "../../ui/Panel";
import { fitting } from "./carried";
import type { Carried, Draft } from "./draft";

interface CarriedPartsProps {
  draft: Draft;
  spec: BenchmarkSpec;
  onChange: (carried: Carried[]) => void;
}

/** What came with a spec and has no field here: it stays in the spec until it is removed. */
export function CarriedParts({ draft, spec, onChange }: CarriedPartsProps) {
  const shown = fitting(draft.carried, spec);
  if (shown.length === 0) return null;
  return (
    <Panel title="Also in this spec" aside="no field of the form shows it">
      <ul class="carried">
        {shown.map((one) => (
          <li key={one.path}>
            <code>
              {one.path}: {excerpt(one.value)}
            </code>
            <Button
              kind="quiet"
              icon="cross"
              title="Leave it out"
              onClick={() => onChange(draft.carried.filter((other) => other !== one))}
            >
              <span class="visually-hidden">Leave out {one.path}</span>
            </Button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function excerpt(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}
