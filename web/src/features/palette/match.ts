/** How well a text fits what was typed: its letters in order, the better the closer together and at beginnings of words. */

export interface Hit {
  score: number;
  /** Positions in the text that fit, to mark them. */
  at: number[];
}

const AT_WORD = 8;
const IN_A_ROW = 6;
const ANY = 1;
const GAP_COST = 0.15;
const MOST_GAP_COST = 4;

function startsWord(text: string, at: number): boolean {
  const before = text[at - 1];
  const here = text[at] ?? "";
  if (before === undefined || /[^\p{L}\p{N}]/u.test(before)) return true;
  return before === before.toLowerCase() && here !== here.toLowerCase();
}

/** Null when it does not fit. An empty query fits everything alike. */
export function hitOf(text: string, typed: string): Hit | null {
  const wanted = [...typed.toLowerCase()].filter((letter) => letter.trim() !== "");
  if (wanted.length === 0) return { score: 0, at: [] };
  const letters = [...text];
  const folded = letters.map((letter) => letter.toLowerCase());
  const size = letters.length;
  // best[i]: the best way so far whose newest letter stands at i.
  let best: (Hit | undefined)[] = [];
  for (const [number, letter] of wanted.entries()) {
    const next: (Hit | undefined)[] = new Array(size);
    let before: Hit | undefined; // the best that ends anywhere left of i, without what the gap costs
    let beforeAt = -1;
    for (let at = number; at < size; at++) {
      const left = at > 0 ? best[at - 1] : undefined;
      if (left && (!before || left.score >= before.score - cost(at - 1 - beforeAt))) {
        before = left;
        beforeAt = at - 1;
      }
      if (folded[at] !== letter) continue;
      const own = startsWord(text, at) ? AT_WORD : ANY;
      if (number === 0) next[at] = { score: own - cost(at), at: [at] };
      else if (before) {
        const isNext = best[at - 1] !== undefined;
        const row = isNext ? (best[at - 1] as Hit).score + Math.max(own, IN_A_ROW) : Number.NEGATIVE_INFINITY;
        const far = before.score + own - cost(at - beforeAt);
        next[at] =
          row >= far ? { score: row, at: [...(best[at - 1] as Hit).at, at] } : { score: far, at: [...before.at, at] };
      }
    }
    best = next;
  }
  let found: Hit | null = null;
  for (const hit of best) if (hit && (!found || hit.score > found.score)) found = hit;
  // Of two that fit alike, the shorter text is meant.
  return found && { score: found.score - size * 0.01, at: found.at };
}

function cost(gap: number): number {
  return Math.min(MOST_GAP_COST, gap * GAP_COST);
}

export interface Choice {
  id: string;
  label: string;
  /** What else it can be found by. */
  also?: string;
}

/** What fits, the best first; what was used lately comes before what fits as well, and without a query before all. */
export function ranked<Item extends Choice>(
  items: readonly Item[],
  typed: string,
  recent: readonly string[],
): { item: Item; at: number[] }[] {
  const found = items.flatMap((item, place) => {
    const byLabel = hitOf(item.label, typed);
    const byOther = item.also ? hitOf(item.also, typed) : null;
    const hit = byLabel ?? (byOther && { score: byOther.score - AT_WORD, at: [] });
    if (!hit) return [];
    const used = recent.indexOf(item.id);
    const bonus = used < 0 ? 0 : typed.trim() ? 3 - used * 0.1 : 1000 - used;
    return [{ item, at: hit.at, score: hit.score + bonus, place }];
  });
  return found.sort((one, other) => other.score - one.score || one.place - other.place);
}
