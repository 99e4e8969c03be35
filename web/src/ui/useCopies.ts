/** Copying a value of a table, or all of it. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { textOfTable } from "./table-text";

const TOLD_MS = 4_000;

export interface Copies {
  /** What was copied last, for a moment; else nothing. */
  told: Signal<string>;
  /** The value of the cell that was clicked, when it was one and no text is being marked. */
  cell: (target: EventTarget | null) => Promise<void>;
  /** As lines with tabs, which spreadsheets take. */
  table: (table: HTMLTableElement | null) => Promise<void>;
}

export function useCopies(): Copies {
  const told = useSignal("");
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const tell = (text: string) => {
    told.value = text;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      told.value = "";
    }, TOLD_MS);
  };
  const copy = async (text: string, what: string) => {
    try {
      await navigator.clipboard.writeText(text);
      tell(`Copied ${what}.`);
    } catch {
      tell("This browser does not let pages copy; mark the text and press Ctrl+C or ⌘C.");
    }
  };
  return {
    told,
    cell: async (target) => {
      const cell = target instanceof Element ? target.closest("td.number") : null;
      if (!cell || getSelection()?.isCollapsed === false) return;
      // The value alone: not the interval below it.
      const text = (cell.querySelector(".cell-value") ?? cell).textContent?.trim() ?? "";
      if (text && text !== "—") await copy(text, text);
    },
    table: async (table) => {
      if (table)
        await copy(
          textOfTable(table)
            .map((row) => row.join("\t"))
            .join("\n"),
          "the table",
        );
    },
  };
}
