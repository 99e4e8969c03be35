import { useId, useState } from "preact/hooks";
import { AreaField } from "../../ui/Field";

interface DefinitionFieldProps {
  value: string;
  problem: string | undefined;
  onInput: (value: string) => void;
}

const MAX_BYTES = 256 * 1024;

/** How a custom provider is spoken to: typed, or out of its file. The service reads and judges it. */
export function DefinitionField({ value, problem, onInput }: DefinitionFieldProps) {
  const id = useId();
  const [unread, setUnread] = useState("");
  const take = async (input: HTMLInputElement) => {
    const file = input.files?.[0];
    if (!file) return;
    setUnread(file.size > MAX_BYTES ? `${file.name}: must not be larger than 256 KiB` : "");
    if (file.size <= MAX_BYTES) onInput(await file.text());
    input.value = "";
  };
  return (
    <>
      <AreaField
        wide
        mono
        rows={10}
        label="Definition"
        name="definition"
        placeholder={PLACEHOLDER}
        hint="The provider's TOML file (or JSON). It is shown to others: the key has its own field, {api_key} stands for it here."
        value={value}
        problem={unread || problem}
        onInput={onInput}
      />
      <div class="field-wide">
        <label for={id}>Definition from a file </label>
        <input
          id={id}
          type="file"
          accept=".toml,.json"
          name="definition-file"
          onChange={(event) => void take(event.currentTarget)}
        />
      </div>
    </>
  );
}

const PLACEHOLDER = `[request]
path = "/chat"
body = { model = "{model}", messages = "{messages}", stream = "{stream}" }

[select]
text = "$.delta.text"`;
