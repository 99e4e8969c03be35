/** Which rows are ticked: pure. Ids, so that rows which are not loaded can be among them. */

export interface Selection {
  readonly ids: ReadonlySet<string>;
  /** From where a range goes. */
  readonly anchor: string | null;
}

export const NOTHING: Selection = { ids: new Set(), anchor: null };
/** As many as the comparison page takes. */
export const LEAST_COMPARED = 2;
export const MOST_COMPARED = 8;

export function toggle({ ids }: Selection, id: string): Selection {
  const next = new Set(ids);
  if (!next.delete(id)) next.add(id);
  return { ids: next, anchor: id };
}

/** Ticks everything between the anchor and `id`, both included; without an anchor in sight only `id`. */
export function extend({ ids, anchor }: Selection, id: string, order: readonly string[]): Selection {
  const to = order.indexOf(id);
  const from = anchor === null ? -1 : order.indexOf(anchor);
  if (to < 0) return { ids, anchor };
  if (from < 0) return { ids: new Set(ids).add(id), anchor: id };
  return { ids: new Set([...ids, ...order.slice(Math.min(from, to), Math.max(from, to) + 1)]), anchor };
}

export function all(ids: readonly string[]): Selection {
  return { ids: new Set(ids), anchor: null };
}

/** Without what is gone. */
export function drop({ ids, anchor }: Selection, gone: ReadonlySet<string>): Selection {
  return {
    ids: new Set([...ids].filter((id) => !gone.has(id))),
    anchor: anchor !== null && gone.has(anchor) ? null : anchor,
  };
}

export function isComparable({ ids }: Selection): boolean {
  return ids.size >= LEAST_COMPARED && ids.size <= MOST_COMPARED;
}

/** Lists of at most `size`, because the service bounds each request. */
export function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const found: Item[][] = [];
  for (let begin = 0; begin < items.length; begin += size) found.push(items.slice(begin, begin + size));
  return found;
}
