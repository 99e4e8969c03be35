/** What an alert is about, in words and as a link. Pure. */

import type { Alert, Permission } from "../../api/types";

export const KINDS: Record<string, string> = {
  disk_low: "disk",
  provider_unhealthy: "provider",
  error_share: "errors",
  engine_lost: "engine",
  certificate_untrusted: "certificate",
  budget_reached: "budget",
};

export interface About {
  words: string;
  href: string;
  needs: Permission;
}

export function aboutOf(alert: Alert): About | null {
  if (alert.benchmark_id) {
    return { words: "the benchmark", href: `/benchmarks/${alert.benchmark_id}`, needs: "benchmark.read" };
  }
  if (alert.provider) {
    return {
      words: alert.provider,
      href: `/providers/${encodeURIComponent(alert.provider)}`,
      needs: "provider.read",
    };
  }
  return null;
}

/** Those that hold every word of `text` in what they say, or in what they are about. */
export function matching(alerts: readonly Alert[], text: string): readonly Alert[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return alerts;
  return alerts.filter((alert) => {
    const said = [alert.message, alert.severity, alert.kind, alert.provider, alert.instance, KINDS[alert.kind]]
      .join(" ")
      .toLowerCase();
    return words.every((word) => said.includes(word));
  });
}
