/** What was chosen lately, in this browser: ids of choices, and benchmarks with their names. */

export interface Recent {
  id: string;
  label: string;
  href: string | null;
}

const KEY = "ltb.palette";
const MOST = 12;

export function readRecent(text: string | null): Recent[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    if (!Array.isArray(found)) return [];
    return found
      .filter(
        (one): one is Recent =>
          typeof one?.id === "string" &&
          typeof one.label === "string" &&
          // Only ways within the dashboard.
          (one.href === null || /^\/(?!\/)/.test(String(one.href))),
      )
      .slice(0, MOST);
  } catch {
    return [];
  }
}

export function withRecent(recent: readonly Recent[], used: Recent): Recent[] {
  return [used, ...recent.filter(({ id }) => id !== used.id)].slice(0, MOST);
}

export function loadRecent(): Recent[] {
  try {
    return readRecent(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

export function saveRecent(recent: readonly Recent[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(recent));
  } catch {
    // Storage is blocked: nothing is recent next time.
  }
}
