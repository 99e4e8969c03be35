/** Asking a provider whether it answers: the same on its page and in the list. */

import { type Signal, useSignal } from "@preact/signals";
import { testProvider } from "../../api/endpoints";
import type { ApiError } from "../../api/errors";
import type { ProviderHealth } from "../../api/types";
import { useAction } from "../../ui/useAction";

export interface Test {
  health: Signal<ProviderHealth | null>;
  busy: Signal<boolean>;
  error: Signal<ApiError | null>;
  /** With a model: also a completion of a few tokens, which is paid for. */
  ask: (model?: string) => void;
}

export function useTest(name: string, onTold: () => void): Test {
  const health = useSignal<ProviderHealth | null>(null);
  const { busy, error, run } = useAction();
  const ask = (model?: string) =>
    void run(async () => {
      health.value = await testProvider(name, model);
    }).then((worked) => worked && onTold());
  return { health, busy, error, ask };
}
