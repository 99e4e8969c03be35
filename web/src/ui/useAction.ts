/** Something that a button does: busy while it runs, and what went wrong. */

import { type Signal, useSignal } from "@preact/signals";
import { type ApiError, asApiError } from "../api/errors";

export interface Action {
  busy: Signal<boolean>;
  error: Signal<ApiError | null>;
  /** Runs `work` unless it is running already; true when it worked. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
}

export function useAction(): Action {
  const busy = useSignal(false);
  const error = useSignal<ApiError | null>(null);
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    if (busy.value) return false;
    busy.value = true;
    error.value = null;
    try {
      await work();
      return true;
    } catch (reason) {
      error.value = asApiError(reason);
      return false;
    } finally {
      busy.value = false;
    }
  };
  return { busy, error, run };
}
