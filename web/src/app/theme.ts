/** Dark or light: the system's, unless the switch was used, which is remembered. `public/theme.js` applies it first. */

import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "ltb.theme";
const ORDER: readonly Theme[] = ["system", "light", "dark"];

function remembered(): Theme {
  const theme = document.documentElement.dataset.theme;
  return theme === "light" || theme === "dark" ? theme : "system";
}

export const theme = signal<Theme>(remembered());

export function setTheme(next: Theme): void {
  theme.value = next;
  if (next === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    if (next === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, next);
  } catch {
    // Storage is blocked: the choice lasts until the page is left.
  }
}

export function nextTheme(): void {
  setTheme(ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length] ?? "system");
}
