/** Where the thing that an entry is about can be looked at, if there is such a page and it still has that name. */

import type { AuditEntry, Permission } from "../../api/types";

export function resourceAddress(entry: AuditEntry, may: (permission: Permission) => boolean): string | null {
  const { resource_type: type, resource_id: id, changes } = entry;
  if (type === "benchmark" && may("benchmark.read")) return `/benchmarks/${encodeURIComponent(id)}`;
  if (type === "provider" && may("provider.read")) {
    const name = providerName(changes);
    return name === null ? "/providers" : `/providers/${encodeURIComponent(name)}`;
  }
  if (type === "settings" && may("admin.settings")) return "/settings";
  const username = changes.username;
  if (type === "user" && typeof username === "string" && entry.action !== "user.delete" && may("user.manage")) {
    return `/users/${encodeURIComponent(username)}`;
  }
  return null;
}

/** As the entry knows it; a provider that was deleted has no page. */
function providerName(changes: AuditEntry["changes"]): string | null {
  const { after } = changes;
  const told = typeof after === "object" && after !== null ? (after as Record<string, unknown>) : changes;
  return typeof told.name === "string" ? told.name : null;
}
