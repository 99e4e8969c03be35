/** Charts on paper: drawn in the colours of the light theme before the browser prints, and in the theme's own after. */

import { frames } from "./loop";
import { paletteVersion } from "./palette";

function repaint(): void {
  paletteVersion.value += 1;
  frames.flush();
}

/** Follows the browser's printing. */
export function readyForPrint(root: HTMLElement = document.documentElement): void {
  let before: string | null | undefined;
  const begin = () => {
    if (before !== undefined) return;
    before = root.getAttribute("data-theme");
    root.setAttribute("data-theme", "light");
    repaint();
  };
  const end = () => {
    if (before === undefined) return;
    if (before === null) root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", before);
    before = undefined;
    repaint();
  };
  addEventListener("beforeprint", begin);
  addEventListener("afterprint", end);
  // Programs that print a page, such as a browser without a window, tell of the medium only.
  matchMedia("print").addEventListener("change", ({ matches }) => (matches ? begin() : end()));
}
