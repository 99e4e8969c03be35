import { AreaField, NumberField, SelectField } from "../../ui/Field";
import type { LengthDraft, LengthKind } from "./draft";
import type { Problems } from "./problems";

const KINDS: { value: LengthKind; label: string }[] = [
  { value: "fixed", label: "all the same" },
  { value: "normal", label: "normal" },
  { value: "lognormal", label: "lognormal" },
  { value: "uniform", label: "uniform" },
  { value: "empirical", label: "from a list" },
];

interface LengthFieldProps {
  /** "Input" or "Output". */
  label: string;
  name: string;
  path: string;
  hint: string;
  value: LengthDraft;
  problems: Problems;
  onInput: (value: LengthDraft) => void;
}

/** A number of tokens, or a distribution of it. */
export function LengthField({ label, name, path, hint, value, problems, onInput }: LengthFieldProps) {
  const set = (part: Partial<LengthDraft>) => onInput({ ...value, ...part });
  const problem = (field: string) => problems[`${path}.${field}`];
  const normal = value.kind === "normal" || value.kind === "lognormal";
  return (
    <div class="length">
      <SelectField
        label={`${label} length`}
        name={`${name}-kind`}
        value={value.kind}
        path={value.kind === "fixed" ? undefined : path}
        problem={value.kind === "fixed" ? undefined : problems[path]}
        onInput={(kind) => set({ kind: kind as LengthKind })}
        options={KINDS}
      />
      {value.kind === "fixed" && (
        <NumberField
          whole
          label={label}
          unit="tokens"
          name={name}
          hint={hint}
          value={value.tokens}
          path={path}
          problem={problems[path]}
          onInput={(tokens) => set({ tokens })}
        />
      )}
      {normal && (
        <>
          <NumberField
            label={`${label} mean`}
            unit="tokens"
            name={`${name}-mean`}
            value={value.mean}
            path={`${path}.mean`}
            problem={problem("mean")}
            onInput={(mean) => set({ mean })}
          />
          <NumberField
            label={`${label} standard deviation`}
            name={`${name}-stdev`}
            value={value.stdev}
            path={`${path}.stdev`}
            problem={problem("stdev")}
            onInput={(stdev) => set({ stdev })}
          />
        </>
      )}
      {(normal || value.kind === "uniform") && (
        <>
          <NumberField
            whole
            label={`${label} minimum`}
            name={`${name}-minimum`}
            placeholder={normal ? "1" : undefined}
            value={value.minimum}
            path={`${path}.minimum`}
            problem={problem("minimum")}
            onInput={(minimum) => set({ minimum })}
          />
          <NumberField
            whole
            label={`${label} maximum`}
            name={`${name}-maximum`}
            placeholder={normal ? "none" : undefined}
            value={value.maximum}
            path={`${path}.maximum`}
            problem={problem("maximum")}
            onInput={(maximum) => set({ maximum })}
          />
        </>
      )}
      {value.kind === "empirical" && (
        <>
          <AreaField
            mono
            rows={2}
            label={`${label} lengths`}
            name={`${name}-values`}
            placeholder="120, 480, 2048"
            hint="tokens; each request draws one"
            value={value.values}
            path={`${path}.values`}
            problem={problem("values")}
            onInput={(values) => set({ values })}
          />
          <AreaField
            mono
            rows={2}
            label={`${label} weights`}
            name={`${name}-weights`}
            placeholder="all alike"
            hint="how often each occurs, as many as lengths"
            value={value.weights}
            path={`${path}.weights`}
            problem={problem("weights")}
            onInput={(weights) => set({ weights })}
          />
        </>
      )}
    </div>
  );
}
