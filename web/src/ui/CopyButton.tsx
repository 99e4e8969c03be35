import { useRef, useState } from "preact/hooks";
import { Button } from "./Button";
import { copyText } from "./copy";

interface CopyButtonProps {
  text: string;
  /** What it is, as in “Copy the response”. */
  what: string;
  label?: string;
  kind?: "plain" | "quiet";
  /** Makes what is copied in place of `text`, where that only stands for it. */
  whole?: () => string;
}

/** Copies a text; where the browser does not let it, the text beside it is marked for the keyboard to copy. */
export function CopyButton({ text, what, label = "Copy", kind = "plain", whole }: CopyButtonProps) {
  // Of which text: another one has not been copied yet.
  const [done, setDone] = useState<{ text: string; as: "copied" | "marked" | "refused" } | null>(null);
  const box = useRef<HTMLSpanElement>(null);
  const copy = async () => {
    try {
      await copyText(whole ? whole() : text);
      setDone({ text, as: "copied" });
    } catch {
      const shown = box.current?.parentElement?.querySelector("code, pre");
      if (shown) getSelection()?.selectAllChildren(shown);
      setDone({ text, as: shown ? "marked" : "refused" });
    }
  };
  const state = done?.text === text ? done.as : "idle";
  return (
    <span ref={box} class="copy">
      <Button
        kind={kind}
        icon={state === "copied" ? "check" : "copy"}
        title={`Copy ${what}`}
        onClick={() => void copy()}
      >
        {state === "copied" ? "Copied" : label}
      </Button>
      <span role="status" class={state === "marked" || state === "refused" ? "muted" : "visually-hidden"}>
        {state === "copied" && `Copied ${what}`}
        {state === "marked" && "marked: press Ctrl+C or ⌘C"}
        {state === "refused" && "the browser does not let pages copy"}
      </span>
    </span>
  );
}
