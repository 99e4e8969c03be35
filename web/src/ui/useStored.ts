/** Something stored that may be changed here while others change it too: read with its tag, written against it. */

import { type Signal, useSignal } from "@preact/signals";
import { type ApiError, asApiError } from "../api/errors";
import type { Tagged } from "../api/types";
import { type Load, useLoad } from "./useLoad";

const PRECONDITION_FAILED = 412;

export interface Stored<Value> {
  load: Load<Tagged<Value>>;
  busy: Signal<boolean>;
  error: Signal<ApiError | null>;
  /** What is stored now, after a change was refused because it is not what was read. */
  newer: Signal<Tagged<Value> | null>;
  /** Runs a change with the tag that was read; its answer is what is stored from then on. True when it worked. */
  change: (work: (etag: string | null) => Promise<Tagged<Value> | undefined>) => Promise<boolean>;
  /** Goes on from what is stored now. */
  accept: () => void;
}

export function useStored<Value>(key: string, read: (signal?: AbortSignal) => Promise<Tagged<Value>>): Stored<Value> {
  const load = useLoad(key, read);
  const busy = useSignal(false);
  const error = useSignal<ApiError | null>(null);
  const newer = useSignal<Tagged<Value> | null>(null);

  const change: Stored<Value>["change"] = async (work) => {
    if (busy.value) return false;
    busy.value = true;
    error.value = null;
    try {
      const stored = await work(load.data.value?.etag ?? null);
      if (stored) load.data.value = stored;
      newer.value = null;
      return true;
    } catch (reason) {
      const failure = asApiError(reason);
      try {
        if (failure.status === PRECONDITION_FAILED) newer.value = await read();
        else error.value = failure;
      } catch (second) {
        error.value = asApiError(second);
      }
      return false;
    } finally {
      busy.value = false;
    }
  };
  const accept = () => {
    if (newer.value) load.data.value = newer.value;
    newer.value = null;
  };
  return { load, busy, error, newer, change, accept };
}
