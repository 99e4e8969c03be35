/** Where one can go, in groups, and what one needs for it. Menus show only what one may see. */

import type { Permission } from "../api/types";
import type { Route } from "./router";

export interface Place {
  href: string;
  label: string;
  /** The pages during which it is marked as the one that is open. */
  pages: readonly Route["page"][];
  permission?: Permission;
}

export interface PlaceGroup {
  label: string;
  places: readonly Place[];
}

export const GROUPS: readonly PlaceGroup[] = [
  {
    label: "Measure",
    places: [
      { href: "/", label: "Benchmarks", pages: ["benchmarks", "new-benchmark", "run"], permission: "benchmark.read" },
      { href: "/compare", label: "Compare", pages: ["compare"], permission: "benchmark.read" },
    ],
  },
  {
    label: "Resources",
    places: [
      { href: "/providers", label: "Providers", pages: ["providers", "provider"], permission: "provider.read" },
      { href: "/cluster", label: "Cluster", pages: ["cluster"], permission: "benchmark.read" },
      { href: "/alerts", label: "Alerts", pages: ["alerts"], permission: "metrics.read" },
    ],
  },
  {
    label: "Administration",
    places: [
      { href: "/users", label: "Users", pages: ["users", "user"], permission: "user.manage" },
      // Everybody may read what roles may do; in the menu it belongs to those who hand them out.
      { href: "/roles", label: "Roles", pages: ["roles"], permission: "user.manage" },
      { href: "/audit", label: "Audit", pages: ["audit"], permission: "admin.audit" },
      { href: "/settings", label: "Settings", pages: ["settings"], permission: "admin.settings" },
    ],
  },
];

export const ACCOUNT: Place = { href: "/account", label: "My account", pages: ["account"] };

/** The groups with what is left of them for someone who `may` so much; empty ones are left out. */
export function placesFor(may: (permission: Permission) => boolean): PlaceGroup[] {
  return GROUPS.map(({ label, places }) => ({
    label,
    places: places.filter(({ permission }) => permission === undefined || may(permission)),
  })).filter(({ places }) => places.length > 0);
}

/** What a page cannot be seen without, and what to call it in a sentence. Pages that decide by themselves are missing. */
export const NEEDS: Partial<Record<Route["page"], { permission: Permission; what: string }>> = {
  benchmarks: { permission: "benchmark.read", what: "benchmarks" },
  providers: { permission: "provider.read", what: "providers" },
  compare: { permission: "benchmark.read", what: "comparisons" },
  provider: { permission: "provider.read", what: "this provider" },
  alerts: { permission: "metrics.read", what: "the alerts" },
  cluster: { permission: "benchmark.read", what: "the cluster" },
  users: { permission: "user.manage", what: "the users" },
  user: { permission: "user.manage", what: "this user" },
  audit: { permission: "admin.audit", what: "the audit trail" },
  settings: { permission: "admin.settings", what: "the settings" },
};
