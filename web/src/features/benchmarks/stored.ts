/**
 * What the list remembers of a user: columns, widths, views, which view it opens with. Kept by the service in the field
 * `benchmarks` of the preferences, so that it holds in every browser; other fields belong to other pages and stay.
 */

import { batch, signal } from "@preact/signals";
import { call } from "../../api/client";
import { ApiError } from "../../api/errors";
import { type Chosen, readColumns, readWidths, type Widths } from "./columns";
import { readViews, type View } from "./views";

export interface Kept {
  columns: Chosen;
  widths: Widths;
  views: View[];
  /** The name of the view that the list opens with. */
  first: string | null;
}

interface Preferences {
  document: Record<string, unknown>;
  version: number;
}

const PRECONDITION_FAILED = 412;
const TRIES = 3;
// Dragging a column makes many changes; only the last is worth keeping.
const SAVE_AFTER_MS = 400;

export const kept = signal<Kept>({ columns: "fitting", widths: {}, views: [], first: null });
/** Why the newest change is not kept. */
export const keepingFailed = signal<ApiError | null>(null);

let isRead: Promise<void> | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

export function readKept(document: Record<string, unknown>): Kept {
  const found = document.benchmarks;
  const { columns, widths, views, first } = (typeof found === "object" && found !== null ? found : {}) as Record<
    string,
    unknown
  >;
  const known = readViews(views);
  return {
    columns: readColumns(columns),
    widths: readWidths(widths),
    views: known,
    first: known.find(({ name }) => name === first)?.name ?? null,
  };
}

/** Reads it once; without it the list is as for everybody. */
export function loadKept(): Promise<void> {
  isRead ??= call<Preferences>("GET", "/me/preferences").then(
    ({ document }) => {
      kept.value = readKept(document);
    },
    (reason: unknown) => {
      isRead = null;
      if (!(reason instanceof ApiError)) throw reason;
    },
  );
  return isRead;
}

/** Nobody is signed in any more: the next one has columns of their own. */
export function forgetKept(): void {
  clearTimeout(timer);
  isRead = null;
  batch(() => {
    kept.value = readKept({});
    keepingFailed.value = null;
  });
}

/** Changes it at once, and keeps it soon. */
export function keep(changes: Partial<Kept>): void {
  kept.value = { ...kept.value, ...changes };
  clearTimeout(timer);
  timer = setTimeout(() => void save(), SAVE_AFTER_MS);
}

async function save(): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      const { document, version } = await call<Preferences>("GET", "/me/preferences");
      await call("PUT", "/me/preferences", {
        body: { document: { ...document, benchmarks: kept.value } },
        ifMatch: `"${version}"`,
      });
      keepingFailed.value = null;
      return;
    } catch (reason) {
      if (!(reason instanceof ApiError)) throw reason;
      if (reason.status === PRECONDITION_FAILED && tries < TRIES) continue;
      keepingFailed.value = reason;
      return;
    }
  }
}
