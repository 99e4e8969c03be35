/** The theme's colours as a canvas needs them: resolved by the browser, read again when the theme changes. */

import { signal } from "@preact/signals";

/** Series are told apart by dash as well as by colour, in the order in which a chart has them. */
export const DASHES: readonly (readonly number[])[] = [
  [],
  [7, 4],
  [2, 3],
  [9, 3, 2, 3],
  [14, 5],
  [4, 2],
  [1, 4],
  [12, 3, 2, 3, 2, 3],
];

/** Grows when colours have to be read again. */
export const paletteVersion = signal(0);

function changed(): void {
  paletteVersion.value += 1;
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
new MutationObserver(changed).observe(document.documentElement, { attributeFilter: ["data-theme"] });

/** The colour that a custom property such as `--line-1` stands for now, in the place of `element`. */
export function resolveColour(element: HTMLElement, property: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  element.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

export function lineProperty(index: number): string {
  return `--line-${(index % 8) + 1}`;
}
