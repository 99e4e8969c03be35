import { useRef, useState } from "preact/hooks";
import { Button } from "./Button";

/** Copies a text; where the browser does not let it, the text is marked for the keyboard to copy. */
export function CopyButton({ text, what, label = "Copy" }: { text: string; what: string; label?: string }) {
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  const box = useRef<HTMLSpanElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setState("copied");
    } catch {
      const shown = box.current?.parentElement?.querySelector("code, pre");
      if (shown) getSelection()?.selectAllChildren(shown);
      setState("failed");
    }
  };
  return (
    <span ref={box} class="copy">
      <Button icon={state === "copied" ? "check" : "copy"} title={`Copy ${what}`} onClick={() => void copy()}>
        {state === "copied" ? "Copied" : label}
      </Button>
      <span role="status" class={state === "failed" ? "muted" : "visually-hidden"}>
        {state === "copied" && `${what} is copied`}
        {state === "failed" && "marked: press Ctrl+C or ⌘C"}
      </span>
    </span>
  );
}
