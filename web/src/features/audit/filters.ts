/** The filters of the trail, which live in the URL, and what its words mean. */

import type { AuditQuery } from "../../api/admin";

export const FILTERS = ["actor", "action", "resource_type", "resource_id", "since", "until"] as const;

export type Filter = (typeof FILTERS)[number];

/** What may be typed for an action: a family, or one of those that stand out. The field takes any other too. */
export const ACTIONS: readonly string[] = [
  "auth.*",
  "auth.login",
  "auth.login_failed",
  "user.*",
  "api_key.*",
  "benchmark.*",
  "provider.*",
  "settings.*",
  "preferences.*",
  "audit.*",
];

export const RESOURCE_TYPES: readonly string[] = [
  "user",
  "sign_in",
  "api_key",
  "benchmark",
  "provider",
  "settings",
  "audit",
];

/** Those in a query string. Instants that are none are left out: the field that they came from is then empty too. */
export function readFilters(query: URLSearchParams): AuditQuery {
  const found: AuditQuery = {};
  for (const name of FILTERS) {
    const value = query.get(name)?.trim();
    if (!value) continue;
    if ((name === "since" || name === "until") && Number.isNaN(Date.parse(value))) continue;
    found[name] = value;
  }
  return found;
}

export function isFiltered(filters: AuditQuery): boolean {
  return Object.keys(filters).length > 0;
}

/** The number of the entry that is open, from the URL. */
export function readEntry(query: URLSearchParams): number | null {
  const text = query.get("entry") ?? "";
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}

/** The instant some hours before `now`, to the minute, so that the address stays the same for as long. */
export function hoursBefore(now: number, hours: number): string {
  return new Date(Math.floor((now - hours * 3_600_000) / 60_000) * 60_000).toISOString();
}
