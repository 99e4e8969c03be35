/** A list that comes in pages, fetched further as one reads on. */

import { batch, type Signal, useSignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { type ApiError, asApiError } from "../api/errors";
import type { Page } from "../api/types";

export interface Pages<Item> {
  items: Signal<readonly Item[] | null>;
  /** Why the last try failed; what came before stays. */
  error: Signal<ApiError | null>;
  loading: Signal<boolean>;
  hasMore: Signal<boolean>;
  more: () => void;
  reload: () => void;
}

/** Fetches the first page now and whenever `key` changes; an answer that is no longer wanted is dropped. */
export function usePages<Item>(
  key: string,
  fetch: (cursor: string | null, signal: AbortSignal) => Promise<Page<Item>>,
): Pages<Item> {
  const items = useSignal<readonly Item[] | null>(null);
  const error = useSignal<ApiError | null>(null);
  const loading = useSignal(true);
  const hasMore = useSignal(false);
  const cursor = useRef<string | null>(null);
  const running = useRef<AbortController | null>(null);
  const latest = useRef(fetch);
  latest.current = fetch;

  const load = useCallback((from: string | null) => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    loading.value = true;
    latest.current(from, controller.signal).then(
      (page) => {
        if (controller.signal.aborted) return;
        batch(() => {
          items.value = from === null ? page.items : [...(items.value ?? []), ...page.items];
          cursor.current = page.next_cursor ?? null;
          hasMore.value = cursor.current !== null;
          error.value = null;
          loading.value = false;
        });
      },
      (reason: unknown) => {
        if (controller.signal.aborted) return;
        batch(() => {
          error.value = asApiError(reason);
          loading.value = false;
        });
      },
    );
  }, []);
  const reload = useCallback(() => load(null), []);
  const more = useCallback(() => {
    if (cursor.current !== null && !loading.value) load(cursor.current);
  }, []);

  useEffect(() => {
    items.value = null;
    hasMore.value = false;
    reload();
    return () => running.current?.abort();
  }, [key]);

  return { items, error, loading, hasMore, more, reload };
}
