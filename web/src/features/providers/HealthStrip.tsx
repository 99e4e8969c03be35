import type { ProviderCheck } from "../../api/types";
import { duration, MISSING } from "../../ui/numbers";
import { exact } from "../../ui/times";

const WORDS: Record<ProviderCheck["status"], string> = {
  ok: "ok",
  unreachable: "unreachable",
  unauthorized: "key refused",
  error: "error",
};

/** "11 of 12 ok". */
export function tally(checks: readonly ProviderCheck[]): string {
  return `${checks.filter(({ status }) => status === "ok").length} of ${checks.length} ok`;
}

/** Checks as marks, the newest at the right: high and filled when it went well, low and crossed out when it did not. */
export function HealthStrip({ checks }: { checks: readonly ProviderCheck[] }) {
  const newest = checks[0];
  if (!newest) return null;
  return (
    <span class="health-strip" role="img" aria-label={`Checks: ${tally(checks)}; the newest: ${WORDS[newest.status]}`}>
      {checks.toReversed().map((check) => (
        <span
          key={check.checked_at}
          class={`health-mark health-mark-${check.status === "ok" ? "ok" : "bad"}`}
          title={`${exact(check.checked_at)}\n${WORDS[check.status]}${
            check.latency_ms === null ? "" : `, ${duration(check.latency_ms)}`
          }\n${check.message || MISSING}\nasked by ${check.checked_by}`}
        />
      ))}
    </span>
  );
}
