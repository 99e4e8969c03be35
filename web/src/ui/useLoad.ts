/** Something fetched for as long as a component shows it. */

import { type Signal, useSignal } from "@preact/signals";
import { useCallback, useEffect, useRef } from "preact/hooks";
import { type ApiError, asApiError } from "../api/errors";

export interface Load<Data> {
  data: Signal<Data | null>;
  /** Why the last try failed; earlier data stays. */
  error: Signal<ApiError | null>;
  loading: Signal<boolean>;
  reload: () => void;
}

/** Fetches now and whenever `key` changes; an answer that is no longer wanted is dropped. */
export function useLoad<Data>(key: string, fetch: (signal: AbortSignal) => Promise<Data>): Load<Data> {
  const data = useSignal<Data | null>(null);
  const error = useSignal<ApiError | null>(null);
  const loading = useSignal(true);
  const running = useRef<AbortController | null>(null);
  const latest = useRef(fetch);
  latest.current = fetch;

  const reload = useCallback(() => {
    running.current?.abort();
    const controller = new AbortController();
    running.current = controller;
    loading.value = true;
    latest.current(controller.signal).then(
      (result) => {
        if (controller.signal.aborted) return;
        data.value = result;
        error.value = null;
        loading.value = false;
      },
      (reason: unknown) => {
        if (controller.signal.aborted) return;
        error.value = asApiError(reason);
        loading.value = false;
      },
    );
  }, []);

  useEffect(() => {
    reload();
    return () => running.current?.abort();
  }, [key]);

  return { data, error, loading, reload };
}
