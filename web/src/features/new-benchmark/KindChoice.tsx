import { useState } from "preact/hooks";
import { Choice } from "../../ui/Field";

interface Option<Kind extends string> {
  value: Kind;
  label: string;
}

interface KindChoiceProps<Kind extends string> {
  legend: string;
  value: Kind;
  onInput: (value: Kind) => void;
  usual: readonly Option<Kind>[];
  rest: readonly Option<Kind>[];
}

/** The kinds that most need, and the others once they are asked for or chosen. */
export function KindChoice<Kind extends string>({ legend, value, onInput, usual, rest }: KindChoiceProps<Kind>) {
  const [isOpen, setOpen] = useState(false);
  const isRestChosen = rest.some((option) => option.value === value);
  const showsAll = isOpen || isRestChosen;
  return (
    <div class="kinds">
      <Choice
        legend={legend}
        value={value}
        onInput={(kind) => onInput(kind as Kind)}
        options={showsAll ? [...usual, ...rest] : usual}
      />
      {!isRestChosen && (
        <button type="button" class="kinds-more" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? "Fewer" : "More…"}
          <span class="visually-hidden"> kinds of {legend.toLowerCase()}</span>
        </button>
      )}
    </div>
  );
}
