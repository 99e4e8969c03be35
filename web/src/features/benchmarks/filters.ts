/** The list's filters, which live in the URL. */

import type { Status } from "../../api/types";

export const STATUSES: readonly Status[] = ["running", "pending", "completed", "failed", "cancelled", "cancelling"];

export interface Filters {
  status: Status | "";
  q: string;
}

/** The filters in a query string; words that are no status are dropped. */
export function readFilters(query: URLSearchParams): Filters {
  const status = query.get("status");
  return {
    status: STATUSES.find((known) => known === status) ?? "",
    q: query.get("q") ?? "",
  };
}

export function isFiltered(filters: Filters): boolean {
  return filters.status !== "" || filters.q !== "";
}
