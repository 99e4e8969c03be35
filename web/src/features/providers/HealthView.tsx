import type { ProviderHealth } from "../../api/types";
import { Badge, type Tone } from "../../ui/Badge";
import type { IconName } from "../../ui/icons";
import { dollars, duration } from "../../ui/numbers";

interface Look {
  tone: Tone;
  icon: IconName;
}

export const STATUSES: Record<ProviderHealth["status"], Look> = {
  ok: { tone: "ok", icon: "check" },
  unreachable: { tone: "bad", icon: "cross" },
  unauthorized: { tone: "warn", icon: "alert" },
  error: { tone: "bad", icon: "cross" },
};

/** What became of the key. */
export const AUTH: Record<ProviderHealth["auth"], Look & { word: string }> = {
  ok: { tone: "ok", icon: "check", word: "key taken" },
  refused: { tone: "bad", icon: "cross", word: "key refused" },
  unknown: { tone: "quiet", icon: "minus", word: "key not checked" },
};

/** How a test went: state, time, what became of the key, and why. */
export function HealthView({ health, hasKey }: { health: ProviderHealth; hasKey: boolean }) {
  const verdict = AUTH[health.auth];
  return (
    <span class="health">
      <Badge {...STATUSES[health.status]} word={health.status} />
      {hasKey && <Badge {...verdict} />}
      {health.latency_ms !== null && (
        <span class="number muted" title="Of the control call, over a new connection">
          {duration(health.latency_ms)}
        </span>
      )}
      {health.message && <span class="muted health-message">{health.message}</span>}
      {health.completion && (
        <span class="muted health-message">
          “{health.completion.text}”
          {health.completion.cost_usd !== null && `, ${dollars(Number(health.completion.cost_usd))}`}
        </span>
      )}
    </span>
  );
}
