/** How much the age of live data should worry the one who looks at it. */

export type Freshness = "fresh" | "stale" | "lost";

const LOST_AFTER_MS = 10_000;

/** Fresh up to `staleAfterMs`, stale (amber) up to 10 s, then lost (red). */
export function freshness(ageMs: number, staleAfterMs: number): Freshness {
  if (ageMs > LOST_AFTER_MS) return "lost";
  return ageMs > staleAfterMs ? "stale" : "fresh";
}
