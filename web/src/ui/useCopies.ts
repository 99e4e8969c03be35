/** Copying a whole table. */

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { copyText } from "./copy";
import { textOfTable } from "./table-text";

const TOLD_MS = 4_000;

export interface Copies {
  /** What was copied last, for a moment; else nothing. */
  told: Signal<string>;
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
      await copyText(text);
      tell(`Copied ${what}.`);
    } catch {
      tell("This browser does not let pages copy; mark the text and press Ctrl+C or ⌘C.");
    }
  };
  return {
    told,
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
