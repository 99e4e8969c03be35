/** The draft across reloads, where it came from, and the warning before it is lost. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Draft } from "./draft";
import { buildSpec } from "./spec";

const KEY = "ltb.new-benchmark";
/** Session storage holds about 5 MB for the whole site; a draft with a large file in it is not kept. */
const MOST_CHARACTERS = 1_000_000;
const VERSION = 1;

/** What the form started from: a preset, a run, a file. */
export interface Base {
  /** `preset:soak`, `from:ID`, `file:name`, or empty for the blank form. */
  origin: string;
  label: string;
  draft: Draft;
}

interface Kept {
  version: number;
  base: Base;
  draft: Draft;
}

export function isChanged(draft: Draft, base: Base): boolean {
  return draft !== base.draft && JSON.stringify(buildSpec(draft)) !== JSON.stringify(buildSpec(base.draft));
}

export function keep(draft: Draft, base: Base, storage: Storage = sessionStorage): boolean {
  try {
    if (!isChanged(draft, base)) {
      storage.removeItem(KEY);
      return true;
    }
    const text = JSON.stringify({ version: VERSION, base, draft } satisfies Kept);
    if (text.length > MOST_CHARACTERS) {
      storage.removeItem(KEY);
      return false;
    }
    storage.setItem(KEY, text);
    return true;
  } catch {
    return false; // storage is full or forbidden: the form works without it
  }
}

/** The draft that was kept for this origin; none of another version of the dashboard. */
export function kept(origin: string, storage: Storage = sessionStorage): { draft: Draft; base: Base } | null {
  try {
    const found = JSON.parse(storage.getItem(KEY) ?? "null") as Kept | null;
    const isOurs =
      found?.version === VERSION &&
      (found.base.origin === origin || (origin === "" && found.base.origin.startsWith("file:")));
    return isOurs ? { draft: found.draft, base: found.base } : null;
  } catch {
    return null;
  }
}

export function forget(storage: Storage = sessionStorage): void {
  try {
    storage.removeItem(KEY);
  } catch {
    // nothing was kept
  }
}

/** The draft and its base as state; kept after a pause in typing, and the page warns before unsaved changes are lost. */
export function useDraft(start: Base) {
  const [state, setState] = useState(() => kept(start.origin) ?? { draft: start.draft, base: start });
  const [wasRestored, setRestored] = useState(() => kept(start.origin) !== null);
  const isSent = useRef(false);
  const latest = useRef(state);
  latest.current = state;

  useEffect(() => {
    const timer = setTimeout(() => keep(state.draft, state.base), 300);
    return () => clearTimeout(timer);
  }, [state]);

  useEffect(() => {
    const onLeave = (event: BeforeUnloadEvent) => {
      const { draft, base } = latest.current;
      if (isSent.current) return;
      keep(draft, base);
      if (isChanged(draft, base)) event.preventDefault(); // closing the tab loses what a reload keeps
    };
    addEventListener("beforeunload", onLeave);
    return () => {
      removeEventListener("beforeunload", onLeave);
      if (!isSent.current) keep(latest.current.draft, latest.current.base);
    };
  }, []);

  return {
    ...state,
    wasRestored,
    setDraft: (change: (before: Draft) => Draft) => setState((before) => ({ ...before, draft: change(before.draft) })),
    startFrom: (base: Base) => {
      setRestored(false);
      setState({ draft: base.draft, base });
    },
    /** The benchmark was made: nothing is left to lose. */
    finish: () => {
      isSent.current = true;
      forget();
    },
  };
}
