/** Which rows of a long table are worth having, and which element shows which of them. Pure. */

export interface Range {
  /** The first row, and the one after the last. */
  from: number;
  to: number;
}

/** An element for a row: scrolling gives it another row, and makes no new element. */
export interface Slot {
  readonly key: number;
  readonly index: number;
}

/** Rows are drawn in steps, so that scrolling by a few pixels draws nothing anew. */
const STEP = 2;

/**
 * `top` and `height` in px: what is in sight of the rows, measured from the first. The number of rows is the same
 * wherever one looks, so that scrolling neither makes nor drops elements.
 */
export function rangeInSight(top: number, height: number, rowHeight: number, rows: number, around = 6): Range {
  if (rows <= 0 || rowHeight <= 0) return { from: 0, to: 0 };
  const size = Math.ceil(Math.max(0, height) / rowHeight) + 2 * around + STEP;
  const first = Math.floor((Math.floor(Math.max(0, top) / rowHeight) - around) / STEP) * STEP;
  const from = Math.max(0, Math.min(first, rows - size));
  return { from, to: Math.min(rows, from + size) };
}

/**
 * The slots for `range`: those that show a row of it stay, the others get the rows that are missing. `kept` is a row
 * that keeps its slot also out of sight: the one with the focus.
 */
export function fill(slots: readonly Slot[], { from, to }: Range, kept: number | null = null): readonly Slot[] {
  const isWanted = (index: number) => (index >= from && index < to) || index === kept;
  const shown = new Set<number>();
  for (const { index } of slots) if (isWanted(index)) shown.add(index);
  const missing: number[] = [];
  for (let index = from; index < to; index++) if (!shown.has(index)) missing.push(index);
  if (missing.length === 0 && shown.size === slots.length) return slots;

  let next = 0;
  const filled: Slot[] = [];
  for (const slot of slots) {
    if (isWanted(slot.index)) filled.push(slot);
    else if (next < missing.length) filled.push({ key: slot.key, index: missing[next++] as number });
  }
  let key = slots.reduce((most, slot) => Math.max(most, slot.key), -1);
  while (next < missing.length) filled.push({ key: ++key, index: missing[next++] as number });
  return filled;
}

/** In the order of their rows, for who reads the page in the order of its elements; the same list when it is so. */
export function inOrder(slots: readonly Slot[]): readonly Slot[] {
  const isSorted = slots.every(({ index }, at) => at === 0 || (slots[at - 1]?.index ?? -1) < index);
  return isSorted ? slots : slots.toSorted((one, other) => one.index - other.index);
}
