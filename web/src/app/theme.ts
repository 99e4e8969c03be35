/**
 * Dark or light: what the switch was set to in this browser, else what the account prefers, else the system's choice.
 * Both are remembered here, and `public/theme.js` applies them before the first paint.
 */

import { computed, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

export const THEMES: readonly Theme[] = ["system", "light", "dark"];

const KEY = "ltb.theme";
const ACCOUNT_KEY = "ltb.theme.account";

export function asTheme(value: unknown): Theme | null {
  return THEMES.find((theme) => theme === value) ?? null;
}

function remembered(key: string): Theme | null {
  try {
    return asTheme(localStorage.getItem(key));
  } catch {
    return null;
  }
}

function remember(key: string, theme: Theme | null): void {
  try {
    if (theme === null) localStorage.removeItem(key);
    else localStorage.setItem(key, theme);
  } catch {
    // Storage is blocked: the choice lasts until the page is left.
  }
}

const own = signal<Theme | null>(remembered(KEY));
const preferred = signal<Theme | null>(remembered(ACCOUNT_KEY));

export const theme = computed<Theme>(() => own.value ?? preferred.value ?? "system");

function apply(): void {
  if (theme.value === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

/** For this browser; null for what the account prefers. */
export function setTheme(next: Theme | null): void {
  own.value = next;
  remember(KEY, next);
  apply();
}

/** What the account prefers in every browser. */
export function preferTheme(next: Theme | null): void {
  preferred.value = next;
  remember(ACCOUNT_KEY, next);
  apply();
}

export function nextTheme(): void {
  setTheme(THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system");
}
