/** What each permission allows, in plain words. */

import type { Permission } from "../api/types";

export const PERMISSION_WORDS: Record<Permission, string> = {
  "benchmark.create": "start benchmarks",
  "benchmark.read": "see benchmarks and the cluster",
  "benchmark.cancel": "cancel benchmarks",
  "benchmark.delete": "delete benchmarks",
  "benchmark.share": "share benchmarks with a team or with all",
  "results.read": "see the results of single requests",
  "results.export": "export results",
  "provider.read": "see providers",
  "provider.manage": "add, change and delete providers and their keys",
  "provider.test": "test providers",
  "plugin.manage": "manage plugins",
  "metrics.read": "see metrics and alerts of the service",
  "account.self": "see and change their own account",
  "user.manage": "manage users, their sign-ins and their keys",
  "admin.audit": "read and check the audit trail",
  "admin.settings": "change the settings of the service",
  "admin.see_all": "see what others own, and change it where another permission allows the action",
};

const FAMILIES: Record<string, string> = {
  benchmark: "Benchmarks",
  results: "Results",
  provider: "Providers",
  plugin: "Plugins",
  metrics: "Metrics",
  account: "Account",
  user: "Users",
  admin: "Administration",
};

export const ALL_PERMISSIONS = Object.keys(PERMISSION_WORDS) as Permission[];

/** Permissions by the word before the full stop, each family under its title, in the order of this file. */
export function families(permissions: readonly Permission[]): { title: string; permissions: Permission[] }[] {
  const found = new Map<string, Permission[]>();
  for (const permission of ALL_PERMISSIONS) {
    if (!permissions.includes(permission)) continue;
    const family = permission.split(".")[0] ?? permission;
    found.set(family, [...(found.get(family) ?? []), permission]);
  }
  return [...found].map(([family, members]) => ({ title: FAMILIES[family] ?? family, permissions: members }));
}
