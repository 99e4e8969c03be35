/** Form fields: a label, the control, what it means, and what is wrong with it, tied together for every reader. */

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import "./field.css";

interface FrameProps {
  label: string;
  hint?: ComponentChildren;
  problem?: string;
  unit?: string;
  wide?: boolean;
  /** The part of a document that it is, so that a list of problems finds the field: `load.concurrency`. */
  path?: string;
}

interface ControlAttributes {
  id: string;
  "data-path": string | undefined;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean;
}

function Frame({
  label,
  hint,
  problem,
  unit,
  wide,
  path,
  children,
}: FrameProps & { children: (control: ControlAttributes) => ComponentChildren }) {
  const id = useId();
  const described = [problem && `${id}-problem`, hint && `${id}-hint`].filter(Boolean).join(" ");
  return (
    <div class={`field${wide ? " field-wide" : ""}${problem ? " field-wrong" : ""}`}>
      <label for={id}>
        {label}
        {unit && <span class="field-unit"> {unit}</span>}
      </label>
      {children({
        id,
        "data-path": path,
        "aria-describedby": described || undefined,
        "aria-invalid": Boolean(problem),
      })}
      {problem && (
        <p class="field-problem" id={`${id}-problem`}>
          {problem}
        </p>
      )}
      {hint && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface TextProps extends FrameProps {
  value: string;
  onInput: (value: string) => void;
  name?: string;
  type?: "text" | "password" | "url" | "search";
  placeholder?: string;
  required?: boolean;
  disabled?: boolean;
  autoComplete?: string;
  autoFocus?: boolean;
  list?: readonly string[];
  mono?: boolean;
}

export function TextField({ value, onInput, type = "text", list, mono, autoComplete = "off", ...rest }: TextProps) {
  const { label, hint, problem, unit, wide, path, ...input } = rest;
  return (
    <Frame {...{ label, hint, problem, unit, wide, path }}>
      {(control) => (
        <>
          <input
            {...control}
            {...input}
            class={mono ? "number" : undefined}
            {...inputType(type)}
            value={value}
            autoComplete={autoComplete}
            spellcheck={false}
            list={list ? `${control.id}-list` : undefined}
            onInput={(event) => onInput(event.currentTarget.value)}
          />
          {list && (
            <datalist id={`${control.id}-list`}>
              {list.map((option) => (
                <option key={option} value={option} />
              ))}
            </datalist>
          )}
        </>
      )}
    </Frame>
  );
}

/** Preact types each input type apart; here any of them will do. */
function inputType(type: string): { type: "text" } {
  return { type } as { type: "text" };
}

interface NumberProps extends FrameProps {
  value: string;
  onInput: (value: string) => void;
  name?: string;
  placeholder?: string;
  whole?: boolean;
}

/** A number kept as the text that was typed, so that nothing is lost or changed on the way; `numbers` parses it. */
export function NumberField({ value, onInput, whole, ...rest }: NumberProps) {
  const { label, hint, problem, unit, wide, path, ...input } = rest;
  return (
    <Frame {...{ label, hint, problem, unit, wide, path }}>
      {(control) => (
        <input
          {...control}
          {...input}
          class="number"
          type="text"
          inputMode={whole ? "numeric" : "decimal"}
          autoComplete="off"
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Frame>
  );
}

interface AreaProps extends FrameProps {
  value: string;
  onInput: (value: string) => void;
  name?: string;
  rows?: number;
  placeholder?: string;
  mono?: boolean;
}

export function AreaField({ value, onInput, rows = 4, mono, ...rest }: AreaProps) {
  const { label, hint, problem, unit, wide, path, ...area } = rest;
  return (
    <Frame {...{ label, hint, problem, unit, wide, path }}>
      {(control) => (
        <textarea
          {...control}
          {...area}
          class={mono ? "number" : undefined}
          rows={rows}
          spellcheck={false}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
    </Frame>
  );
}

interface SelectProps extends FrameProps {
  value: string;
  onInput: (value: string) => void;
  name?: string;
  options: readonly { value: string; label: string }[];
  disabled?: boolean;
}

export function SelectField({ value, onInput, options, ...rest }: SelectProps) {
  const { label, hint, problem, unit, wide, path, ...select } = rest;
  return (
    <Frame {...{ label, hint, problem, unit, wide, path }}>
      {(control) => (
        <select {...control} {...select} value={value} onInput={(event) => onInput(event.currentTarget.value)}>
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Frame>
  );
}

export function CheckField({
  label,
  hint,
  checked,
  onInput,
}: {
  label: string;
  hint?: string;
  checked: boolean;
  onInput: (checked: boolean) => void;
}) {
  const id = useId();
  return (
    <div class="field-check">
      <input
        id={id}
        type="checkbox"
        checked={checked}
        aria-describedby={hint ? `${id}-hint` : undefined}
        onInput={(event) => onInput(event.currentTarget.checked)}
      />
      <label for={id}>{label}</label>
      {hint && (
        <p class="field-hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

interface ChoiceProps {
  legend: string;
  value: string;
  onInput: (value: string) => void;
  options: readonly { value: string; label: string }[];
}

/** A few exclusive choices side by side. */
export function Choice({ legend, value, onInput, options }: ChoiceProps) {
  const name = useId();
  return (
    <fieldset class="choice">
      <legend class="visually-hidden">{legend}</legend>
      {options.map((option) => (
        <label key={option.value} class="choice-option">
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            onInput={() => onInput(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
