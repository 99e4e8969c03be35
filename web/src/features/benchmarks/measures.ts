/** How high rows are and how wide columns: one grid for the head and every row. Pure. */

import { ALL, type Chosen, type ColumnId, columnOf, EXTRA, LEAVING, type Widths } from "./columns";

/** In px; a card at phone width. */
export const ROW_HEIGHT = 34;
export const PHONE_HEIGHT = 208;
export const TICK_WIDTH = 34;

// Of the frame around the table: its border, and the bar that scrolls it.
const FRAME_WIDTH = 2 + 15;

export function widthOf(id: ColumnId, widths: Widths): number {
  return widths[id] ?? columnOf(id).width;
}

function leastOf(id: ColumnId, widths: Widths): number {
  return widths[id] ?? columnOf(id).least ?? columnOf(id).width;
}

/** The columns of the grid: the name has what the others leave, unless it was given a width. */
export function gridOf(columns: readonly ColumnId[], widths: Widths): string {
  const tracks = columns.map((id) => {
    const least = leastOf(id, widths);
    const most = widthOf(id, widths);
    if (id === "name" && widths.name === undefined) return `minmax(${least}px, 1fr)`;
    return least < most ? `minmax(${least}px, ${most}px)` : `${most}px`;
  });
  return [`${TICK_WIDTH}px`, ...tracks].join(" ");
}

/** In px, below which the table scrolls sideways. */
export function leastWidth(columns: readonly ColumnId[], widths: Widths): number {
  return TICK_WIDTH + columns.reduce((sum, id) => sum + leastOf(id, widths), 0);
}

/** The columns to show in a page that has `room` px for them; at phone width a row is a card and has all of them. */
export function shownOf(chosen: Chosen, widths: Widths, room: number, isPhone: boolean): readonly ColumnId[] {
  if (chosen !== "fitting") return chosen;
  let shown = ALL;
  if (isPhone) return shown;
  const inside = room - FRAME_WIDTH - TICK_WIDTH;
  for (const id of EXTRA) {
    if (shown.reduce((sum, column) => sum + widthOf(column, widths), 0) <= inside) break;
    shown = shown.filter((column) => column !== id);
  }
  for (const id of LEAVING) {
    if (leastWidth(shown, widths) + FRAME_WIDTH <= room) break;
    shown = shown.filter((column) => column !== id);
  }
  return shown;
}

/** Whether a column is narrower than its numbers may be. */
export function isNarrowed(widths: Widths): boolean {
  return Object.entries(widths).some(([id, width]) => width < columnOf(id as ColumnId).width);
}
