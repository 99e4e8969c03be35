/**
 * What the user prefers, kept by the service so that it holds in every browser. Other parts of the dashboard may keep
 * fields of their own in the same document: each change is made to what is stored now, and the others stay.
 */

import { signal } from "@preact/signals";
import { getPreferences, savePreferences } from "../api/admin";
import { ApiError } from "../api/errors";
import type { PreferencesDocument, Tagged } from "../api/types";
import { type Zone, zone } from "../ui/times";
import { asTheme, preferTheme, setTheme, type Theme } from "./theme";

const PRECONDITION_FAILED = 412;
const TRIES = 3;

/** The document as it was read or saved last; null before it is known. */
export const preferences = signal<Record<string, unknown> | null>(null);

function take({ value }: Tagged<PreferencesDocument>): void {
  preferences.value = value.document;
  preferTheme(asTheme(value.document.theme));
  zone.value = value.document.times === "utc" ? "utc" : "local";
}

/** Reads them after signing in. Without them the dashboard works as well, so a failure is only that. */
export async function loadPreferences(): Promise<void> {
  try {
    take(await getPreferences());
  } catch (reason) {
    if (!(reason instanceof ApiError)) throw reason;
  }
}

/** Nobody is signed in any more: the next one may prefer something else. */
export function forgetPreferences(): void {
  preferences.value = null;
  preferTheme(null);
  zone.value = "local";
}

/**
 * Changes some fields of the document; `undefined` removes one.
 *
 * @throws {ApiError} when it cannot be saved
 */
export async function changePreferences(changes: Record<string, unknown>): Promise<void> {
  for (let tries = 1; ; tries++) {
    const stored = await getPreferences();
    const next = Object.fromEntries(
      Object.entries({ ...stored.value.document, ...changes }).filter(([, value]) => value !== undefined),
    );
    try {
      take(await savePreferences(next, stored.etag));
      return;
    } catch (reason) {
      const isLate = reason instanceof ApiError && reason.status === PRECONDITION_FAILED;
      if (!isLate || tries === TRIES) throw reason;
    }
  }
}

/** The theme in every browser, this one included whatever its switch was set to. */
export async function chooseTheme(next: Theme): Promise<void> {
  await changePreferences({ theme: next });
  setTheme(null);
}

export const chooseZone = (next: Zone) => changePreferences({ times: next });
