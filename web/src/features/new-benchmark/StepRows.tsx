import { Button } from "../../ui/Button";
import { NumberField } from "../../ui/Field";
import type { StepDraft } from "./draft";
import type { Problems } from "./problems";

interface StepRowsProps {
  label: string;
  unit?: string;
  /** The last part of the level's path. */
  field: "concurrency" | "rate";
  steps: readonly StepDraft[];
  problems: Problems;
  onInput: (steps: StepDraft[]) => void;
}

/** Stretches of a load, one after another. */
export function StepRows({ label, unit, field, steps, problems, onInput }: StepRowsProps) {
  const set = (index: number, part: Partial<StepDraft>) =>
    onInput(steps.map((step, position) => (position === index ? { ...step, ...part } : step)));
  const last = steps.at(-1) ?? { level: "", seconds: "30" };
  return (
    <div class="field-wide steps">
      {steps.map((step, index) => (
        <div key={index} class="step-row">
          <NumberField
            whole={field === "concurrency"}
            label={`${label} ${index + 1}`}
            unit={unit}
            name={`step-level-${index}`}
            value={step.level}
            path={`load.steps.${index}.${field}`}
            problem={problems[`load.steps.${index}.${field}`]}
            onInput={(level) => set(index, { level })}
          />
          <NumberField
            label={`Time ${index + 1}`}
            unit="s"
            name={`step-seconds-${index}`}
            value={step.seconds}
            path={`load.steps.${index}.seconds`}
            problem={problems[`load.steps.${index}.seconds`]}
            onInput={(seconds) => set(index, { seconds })}
          />
          {steps.length > 1 && (
            <Button
              kind="quiet"
              icon="cross"
              title="Remove this step"
              onClick={() => onInput(steps.filter((_, position) => position !== index))}
            >
              <span class="visually-hidden">Remove step {index + 1}</span>
            </Button>
          )}
        </div>
      ))}
      <div class="step-add">
        <Button icon="plus" onClick={() => onInput([...steps, { ...last }])}>
          Add a step
        </Button>
        {problems["load.steps"] && <p class="field-problem">{problems["load.steps"]}</p>}
      </div>
    </div>
  );
}
