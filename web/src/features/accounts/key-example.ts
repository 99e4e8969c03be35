/** How to use an API key from a shell, with something that the key may do. Pure. */

import type { Permission } from "../../api/types";

const EXAMPLES: readonly [Permission, string][] = [
  ["benchmark.read", "/benchmarks?limit=5"],
  ["provider.read", "/providers"],
  ["account.self", "/auth/me"],
  ["metrics.read", "/metrics"],
  ["user.manage", "/users"],
  ["admin.audit", "/audit?limit=5"],
  ["admin.settings", "/settings"],
];

/** Two lines for a shell; the key is in a variable, so that it is not in every command of the history. */
export function curlExample(key: string, scopes: readonly Permission[], origin: string): string {
  const path = EXAMPLES.find(([permission]) => scopes.includes(permission))?.[1] ?? "/health";
  return [
    `export LLM_TEST_BENCH_API_KEY='${key}'`,
    `curl -s "${origin}/api/v1${path}" -H "Authorization: Bearer $LLM_TEST_BENCH_API_KEY"`,
  ].join("\n");
}
