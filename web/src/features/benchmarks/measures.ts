/** How high rows are and how wide columns: one grid for the head and every row. Pure. */

import { type ColumnId, columnOf, type Widths } from "./columns";

/** In px; a card at phone width. */
export const ROW_HEIGHT = 34;
export const PHONE_HEIGHT = 208;
export const TICK_WIDTH = 34;

export function widthOf(id: ColumnId, widths: Widths): number {
  return widths[id] ?? columnOf(id).width;
}

/** The columns of the grid: the name has what the others leave, unless it was given a width. */
export function gridOf(columns: readonly ColumnId[], widths: Widths): string {
  const tracks = columns.map((id) => {
    const width = `${widthOf(id, widths)}px`;
    return id === "name" && widths.name === undefined ? `minmax(${width}, 1fr)` : width;
  });
  return [`${TICK_WIDTH}px`, ...tracks].join(" ");
}

/** In px, below which the table scrolls sideways. */
export function leastWidth(columns: readonly ColumnId[], widths: Widths): number {
  return TICK_WIDTH + columns.reduce((sum, id) => sum + widthOf(id, widths), 0);
}

/** Whether a column is narrower than its numbers may be. */
export function isNarrowed(widths: Widths): boolean {
  return Object.entries(widths).some(([id, width]) => width < columnOf(id as ColumnId).width);
}
