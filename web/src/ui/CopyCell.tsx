import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { copyText } from "./copy";
import { Icon } from "./icons";
import "./copy-cell.css";

interface CopyCellProps {
  /** Around the table, and what scrolls it. */
  frame: RefObject<HTMLElement | null>;
  /** What of a cell is copied; "" where there is nothing. By default what it says. */
  textOf?: (cell: HTMLElement) => string;
}

interface At {
  text: string;
  /** In px inside the frame. */
  left: number;
  top: number;
}

const SIZE = 22;
const SHOWN_MS = 1_200;
// Who only moves over a table is not meant.
const AFTER_MS = 200;
const NOTHING = /^[—\s]*$|^n\/a$/;

/** What a cell says, without what only helps to read it; nothing of a cell of buttons. */
export function saidBy(cell: HTMLElement): string {
  if (cell.querySelector("button, input, select")) return "";
  const value = cell.querySelector<HTMLElement>(".cell-value") ?? cell; // not the interval below it
  // biome-ignore lint/performance/useDomNodeTextContent: blocks are set apart, and one cell is cheap
  return value.innerText.replaceAll("\u00a0", " ").trim();
}

/** One button for a whole table, in the cell that the mouse is over: copies what stands there. */
export function CopyCell({ frame, textOf = saidBy }: CopyCellProps) {
  const [at, setAt] = useState<At | null>(null);
  const [state, setState] = useState<"idle" | "copied" | "failed">("idle");
  const latest = useRef(textOf);
  latest.current = textOf;

  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    let over: Element | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hide = () => {
      over = null;
      clearTimeout(timer);
      setAt(null);
    };
    const onOver = (event: PointerEvent) => {
      if (event.pointerType !== "mouse" || !(event.target instanceof Element)) return;
      if (event.target.closest(".copy-cell")) return;
      const cell = event.target.closest<HTMLElement>("tbody td, tbody th");
      if (cell === over) return;
      hide();
      over = cell;
      if (cell) timer = setTimeout(() => show(cell), AFTER_MS);
    };
    const show = (cell: HTMLElement) => {
      const text = latest.current(cell);
      if (!cell.isConnected || NOTHING.test(text)) return;
      const inside = cell.getBoundingClientRect();
      const outside = element.getBoundingClientRect();
      // Beside the text: numbers stand at the right.
      const left = cell.classList.contains("right")
        ? inside.left + 2
        : Math.min(inside.right, outside.right) - SIZE - 2;
      setState("idle");
      setAt({
        text,
        left: left - outside.left - element.clientLeft + element.scrollLeft,
        top:
          inside.top - outside.top - element.clientTop + element.scrollTop + (Math.min(inside.height, 34) - SIZE) / 2,
      });
    };
    element.addEventListener("pointerover", onOver);
    element.addEventListener("pointerleave", hide);
    element.addEventListener("scroll", hide, { passive: true });
    return () => {
      clearTimeout(timer);
      element.removeEventListener("pointerover", onOver);
      element.removeEventListener("pointerleave", hide);
      element.removeEventListener("scroll", hide);
    };
  }, []);

  useEffect(() => {
    if (state === "idle") return;
    const timer = setTimeout(() => setState("idle"), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);

  if (!at) return null;
  const shown = at.text.length > 60 ? `${at.text.slice(0, 60)}…` : at.text;
  return (
    <button
      type="button"
      class="copy-cell"
      tabIndex={-1}
      style={{ left: `${at.left}px`, top: `${at.top}px` }}
      title={state === "failed" ? "The browser does not let it be copied" : `Copy “${shown}”`}
      onClick={() => {
        copyText(at.text).then(
          () => setState("copied"),
          () => setState("failed"),
        );
      }}
    >
      <Icon name={state === "copied" ? "check" : state === "failed" ? "cross" : "copy"} />
      <span class="visually-hidden" role="status">
        {state === "copied" ? "Copied" : state === "failed" ? "Not copied" : `Copy ${shown}`}
      </span>
    </button>
  );
}
