/** Keys that work everywhere, unless someone is typing or a dialog is open. */

import { signal } from "@preact/signals";

export interface Shortcut {
  /** As `KeyboardEvent.key` has it. */
  key: string;
  /** As the help writes it, where that is something else. */
  name?: string;
  /** Left out where another key's words cover it. */
  what?: string;
  run: () => void;
  /** Whether the key is meant now; else the browser has it. */
  when?: () => boolean;
}

/** What this machine's keyboard calls the key that commands begin with. */
export const MOD = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";

const NOT_TYPED = new Set(["checkbox", "radio", "button", "submit"]);

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !NOT_TYPED.has(target.type);
  return target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName);
}

/** The keys of the page that is open, for the help. */
export const pageShortcuts = signal<readonly Shortcut[]>([]);

/** Listens to the keys of a page and tells the help of them, until the returned function is called. */
export function listenOnPage(shortcuts: readonly Shortcut[]): () => void {
  pageShortcuts.value = shortcuts;
  const stop = listen(shortcuts);
  return () => {
    stop();
    if (pageShortcuts.value === shortcuts) pageShortcuts.value = [];
  };
}

/** Listens until the returned function is called. */
export function listen(shortcuts: readonly Shortcut[]): () => void {
  const onKey = (event: KeyboardEvent) => {
    if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const shortcut = shortcuts.find((candidate) => candidate.key === event.key);
    if (!shortcut || shortcut.when?.() === false) return;
    event.preventDefault();
    shortcut.run();
  };
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}

/** Puts the cursor into the page's search field, if it has one. */
export function focusSearch(): void {
  const field = document.querySelector<HTMLInputElement>("input[type=search]");
  field?.focus();
  field?.select();
}
