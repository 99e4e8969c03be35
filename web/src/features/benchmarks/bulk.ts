/** The same change to many benchmarks, request by request: how far it is, and what became of each. */

import { deleteBenchmarks, updateBenchmarks } from "../../api/endpoints";
import type { BulkAnswer, BulkChanges } from "../../api/types";
import { chunks } from "./selection";

// As many as the service takes at once.
const AT_ONCE = 200;

export interface Outcome {
  done: Set<string>;
  /** Why others were left, and how many for the same reason. */
  refused: Map<string, number>;
}

type Send = (ids: readonly string[]) => Promise<BulkAnswer>;

/** Without the ids that some reasons carry, so that equal reasons are told once. */
function reason(message: string | null): string {
  return (message ?? "nothing changed").replace(/ [0-9a-f]{8}-[0-9a-f-]{27}/g, "");
}

/** Stops at the first request that fails as a whole; what was done until then is in `outcome`. */
export async function forEach(
  ids: readonly string[],
  send: Send,
  outcome: Outcome,
  onProgress: (number: number) => void,
): Promise<void> {
  let number = 0;
  for (const some of chunks(ids, AT_ONCE)) {
    const { items } = await send(some);
    for (const item of items) {
      if (item.outcome === "done") outcome.done.add(item.id);
      else outcome.refused.set(reason(item.message), (outcome.refused.get(reason(item.message)) ?? 0) + 1);
    }
    number += some.length;
    onProgress(number);
  }
}

export const deleteAll: Send = deleteBenchmarks;

export const changeAll =
  (changes: BulkChanges): Send =>
  (ids) =>
    updateBenchmarks(ids, changes);
