/** The steady window in words. */

import type { Maybe, Window } from "../../api/summary";
import { clock } from "../../ui/numbers";

const METHODS: Record<string, string> = {
  "mser-5": "found by MSER-5",
  given: "as given",
};

export interface Band {
  from: number;
  to: number;
}

/** The window as a stretch of the time axis; null when there is none. */
export function bandOf(window: Maybe<Window>): Band | null {
  const { from_s: from, to_s: to } = window ?? {};
  return from != null && to != null && to > from ? { from, to } : null;
}

/** A sentence, or null when the run was made before windows were looked for. */
export function describeWindow(window: Maybe<Window>): string | null {
  if (!window) return null;
  const band = bandOf(window);
  const reason = window.reason ? window.reason.replace(/\.$/, "") : null;
  if (!band) return reason ? `No steady window: ${reason}.` : "No steady window.";
  const method = METHODS[window.method ?? ""] ?? window.method;
  const span = `Steady from ${clock(band.from)} to ${clock(band.to)}`;
  return `${span}${method ? `, ${method}` : ""}${reason ? `: ${reason}` : ""}.`;
}
