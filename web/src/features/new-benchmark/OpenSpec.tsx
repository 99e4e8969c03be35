import { useState } from "preact/hooks";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { AreaField } from "../../ui/Field";
import { parseSpec } from "./spec-text";

interface OpenSpecProps {
  onOpen: (name: string, spec: Record<string, unknown>) => void;
  onClose: () => void;
}

/** A spec as text or as a file, put into the form. */
export function OpenSpec({ onOpen, onClose }: OpenSpecProps) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const open = async (name: string, content: string) => {
    try {
      onOpen(name || "a pasted spec", await parseSpec(name, content));
      onClose();
    } catch (reason) {
      setProblem(`${name || "The text"} ${reason instanceof Error ? reason.message : String(reason)}`);
    }
  };
  return (
    <Dialog title="Open a spec" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void open("", text);
        }}
      >
        <AreaField
          mono
          rows={10}
          label="JSON, TOML or YAML"
          name="spec-text"
          hint="A spec, or a summary.json of an earlier run. It takes the place of what is in the form."
          value={text}
          problem={problem}
          onInput={setText}
        />
        <label class="open-file">
          or a file{" "}
          <input
            type="file"
            accept=".json,.toml,.yaml,.yml"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              event.currentTarget.value = "";
              if (file) void file.text().then((content) => open(file.name, content));
            }}
          />
        </label>
        <div class="dialog-actions">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" disabled={text.trim() === ""}>
            Open
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
