/** Charts on paper: drawn in the colours of the light theme before the browser prints, and in the theme's own after. */

import { frames } from "./loop";
import { paletteVersion } from "./palette";

function repaint(): void {
  paletteVersion.value += 1;
  frames.flush();
}

/** Follows the browser's printing. */
export function readyForPrint(root: HTMLElement = document.documentElement): void {
  let before: string | null = null;
  addEventListener("beforeprint", () => {
    before = root.getAttribute("data-theme");
    root.setAttribute("data-theme", "light");
    repaint();
  });
  addEventListener("afterprint", () => {
    if (before === null) root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", before);
    repaint();
  });
}
