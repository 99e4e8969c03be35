/** What the service says about the spec as it stands: asked after a pause, and outdated questions are cancelled. */

import { useEffect, useState } from "preact/hooks";
import { validateBenchmark } from "../../api/endpoints";
import { type ApiError, asApiError } from "../../api/errors";
import type { BenchmarkSpec, SpecValidation } from "../../api/types";

const PAUSE_MS = 350;

export interface Validation {
  /** The last answer and the spec that it is about; both stay while a newer one is on its way. */
  answer: SpecValidation | null;
  about: BenchmarkSpec | null;
  isPending: boolean;
  error: ApiError | null;
}

export function useValidation(spec: BenchmarkSpec): Validation {
  const [state, setState] = useState<Validation>({ answer: null, about: null, isPending: true, error: null });
  const text = JSON.stringify(spec);
  useEffect(() => {
    const controller = new AbortController();
    setState((before) => ({ ...before, isPending: true }));
    const timer = setTimeout(() => {
      validateBenchmark(spec, controller.signal).then(
        (answer) => {
          if (!controller.signal.aborted) setState({ answer, about: spec, isPending: false, error: null });
        },
        (reason: unknown) => {
          if (controller.signal.aborted) return;
          setState((before) => ({ ...before, isPending: false, error: asApiError(reason) }));
        },
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text]);
  return state;
}
