/** How long to wait before the next try: doubling from half a second to 15 s, spread by a quarter each way. */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

export function backoff(failures: number, random: () => number = Math.random): number {
  const wait = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return Math.round(wait * (0.75 + 0.5 * random()));
}
