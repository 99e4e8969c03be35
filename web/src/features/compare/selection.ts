/** Which runs are compared, as the address says: pure. */

export const MOST_RUNS = 8;
export const LEAST_RUNS = 2;

export interface Selection {
  ids: readonly string[];
  /** The first one unless another of them is named. */
  baseline: string;
  window: "steady" | "whole";
  metric: string;
}

export function readSelection(query: URLSearchParams): Selection {
  const given = (query.get("ids") ?? "").split(",").map((id) => id.trim());
  const ids = [...new Set(given.filter(Boolean))].slice(0, MOST_RUNS);
  const baseline = query.get("baseline") ?? "";
  return {
    ids,
    baseline: ids.includes(baseline) ? baseline : (ids[0] ?? ""),
    window: query.get("window") === "whole" ? "whole" : "steady",
    metric: query.get("metric") ?? "ttft_ms",
  };
}

/** With this run, or without it. */
export function toggled(ids: readonly string[], id: string): string[] {
  if (ids.includes(id)) return ids.filter((each) => each !== id);
  return ids.length < MOST_RUNS ? [...ids, id] : [...ids];
}
