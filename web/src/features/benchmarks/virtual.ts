/** Which rows of a long table are worth having: those in sight, and some around them. Pure. */

export interface Range {
  /** The first row, and the one after the last. */
  from: number;
  to: number;
}

/** Rows are drawn in steps, so that scrolling by a few pixels draws nothing anew. */
const STEP = 4;

/** `top` and `height` in px: what is in sight of the rows, measured from the first. */
export function rangeInSight(top: number, height: number, rowHeight: number, rows: number, around = 8): Range {
  if (rows <= 0 || rowHeight <= 0) return { from: 0, to: 0 };
  const first = Math.floor(Math.max(0, top) / rowHeight) - around;
  const last = Math.ceil((Math.max(0, top) + Math.max(0, height)) / rowHeight) + around;
  const from = Math.max(0, Math.floor(first / STEP) * STEP);
  return { from: Math.min(from, Math.max(0, rows - 1)), to: Math.min(rows, Math.ceil(last / STEP) * STEP) };
}
