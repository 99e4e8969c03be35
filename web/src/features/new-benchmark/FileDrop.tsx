import { useId, useRef, useState } from "preact/hooks";
import { Button } from "../../ui/Button";
import { count } from "../../ui/numbers";

interface FileDropProps {
  /** What such a file holds, for the words around it. */
  what: string;
  accept: string;
  /** The file that is in use, and how many things it holds. */
  chosen: { name: string; n: number } | null;
  /** Takes the text of a file; what it throws is shown. */
  onText: (name: string, text: string) => void;
  onRemove: () => void;
}

/** A file read in the browser, chosen or dropped. Its content stays here until the benchmark is started. */
export function FileDrop({ what, accept, chosen, onText, onRemove }: FileDropProps) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [problem, setProblem] = useState("");
  const [isOver, setOver] = useState(false);
  const take = async (file: File | null | undefined) => {
    if (!file) return;
    setProblem("");
    try {
      onText(file.name, await file.text());
    } catch (reason) {
      setProblem(`${file.name}: ${reason instanceof Error ? reason.message : String(reason)}`);
    }
    if (input.current) input.current.value = "";
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is a shortcut for the button inside it
    <div
      class={`file-drop${isOver ? " is-over" : ""}${problem ? " field-wrong" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer?.files[0]);
      }}
    >
      {chosen ? (
        <span class="file-chosen">
          <strong>{chosen.name}</strong>
          <span class="muted number">
            {count(chosen.n)} {what}
          </span>
          <Button kind="quiet" icon="cross" onClick={onRemove}>
            Remove
          </Button>
        </span>
      ) : (
        <>
          <label for={id}>
            {what.charAt(0).toUpperCase() + what.slice(1)} from a file{" "}
            <span class="muted">{accept}; may be dropped here</span>
          </label>
          <input
            ref={input}
            id={id}
            type="file"
            accept={accept.replaceAll(" ", "")}
            aria-invalid={Boolean(problem)}
            aria-describedby={problem ? `${id}-problem` : undefined}
            onChange={(event) => void take(event.currentTarget.files?.[0])}
          />
        </>
      )}
      {problem && (
        <p class="field-problem" id={`${id}-problem`} role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
