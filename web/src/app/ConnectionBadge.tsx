import { live } from "../live";
import { freshness } from "../live/staleness";
import { age } from "../ui/numbers";
import { useNow } from "../ui/useNow";
import { may } from "./session";

// Pings go out every 4 s, so a healthy connection is never silent for longer than this.
const STALE_AFTER_MS = 6_000;

/** Whether live data arrives, and how long the way is. */
export function ConnectionBadge() {
  const now = useNow(1000);
  const { state, heardAt, roundTripMs } = live.connection.value;
  const silentMs = heardAt ? now - heardAt : Number.POSITIVE_INFINITY;
  // A role that sees nothing of what happens gets no live data: that is as it should be.
  const isMeant = state === "refused" && !may("benchmark.read") && !may("metrics.read");
  const look = isMeant
    ? "none"
    : state === "refused"
      ? "lost"
      : state === "connecting" && !heardAt
        ? "stale"
        : freshness(silentMs, STALE_AFTER_MS);
  const silence = heardAt ? `, last heard ${age(silentMs)} ago` : "";
  const words: Record<typeof state, string> = {
    off: "not connected",
    connecting: `connecting${silence}`,
    waiting: `connection lost, trying again${silence}`,
    refused: isMeant ? "no live data for this role" : "live updates refused",
    live: look === "fresh" ? "live" : `no data for ${age(silentMs)}`,
  };
  return (
    <span class={`connection connection-${look}`}>
      <span class="connection-dot" aria-hidden="true" />
      <span role="status">{words[state]}</span>
      {state === "live" && look === "fresh" && roundTripMs !== null && (
        <span class="number muted" title="Round trip of a ping">
          {Math.max(1, Math.round(roundTripMs))} ms
        </span>
      )}
    </span>
  );
}
