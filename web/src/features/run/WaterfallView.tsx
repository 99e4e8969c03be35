/** One request over time: a bar for each phase, a tick for each chunk. */

import type { RequestDetail } from "../../api/types";
import { count, duration, durationScale } from "../../ui/numbers";
import { sentence } from "../../ui/states";

const PHASES: Record<string, { label: string; colour: number }> = {
  schedule_delay: { label: "schedule delay", colour: 8 },
  dns: { label: "DNS", colour: 6 },
  connect: { label: "connect", colour: 5 },
  tls: { label: "TLS", colour: 7 },
  first_byte: { label: "first byte", colour: 1 },
  first_token: { label: "first token", colour: 4 },
  reasoning: { label: "reasoning", colour: 5 },
  stream: { label: "chunks", colour: 3 },
  end: { label: "end of body", colour: 8 },
};
const FAILED = { label: "until it failed", colour: 2 };
// More ticks than pixels are a solid bar: every n-th is drawn, and the row says how many there are.
const MOST_TICKS = 1_200;

export function WaterfallView({ request }: { request: RequestDetail }) {
  const { phases, chunk_ms: chunks, shared, total_ms: total, note, chunks_left_out: leftOut } = request.waterfall;
  // Most phases are short: in seconds they would be rows of zeros.
  const scale = durationScale([total < 10_000 ? Math.min(total, 500) : total]);
  const share = (ms: number) => `${total > 0 ? Math.min(100, Math.max(0, (100 * ms) / total)) : 0}%`;
  const every = Math.ceil(chunks.length / MOST_TICKS) || 1;
  const together = new Set(shared);
  return (
    <div class="waterfall">
      {phases.map((phase) => {
        const isFailure = phase.name === "end" && request.status === "error";
        const look = isFailure ? FAILED : (PHASES[phase.name] ?? { label: phase.name, colour: 8 });
        const isChunks = phase.name === "stream";
        return (
          <div key={phase.name} class="waterfall-row">
            <span class="waterfall-name">{look.label}</span>
            <span class="waterfall-lane">
              {phase.begin_ms !== null && phase.end_ms !== null && (
                <span
                  class={`waterfall-bar${isChunks ? " is-faint" : ""}`}
                  style={{
                    left: share(phase.begin_ms),
                    width: share(phase.end_ms - phase.begin_ms),
                    background: `var(--line-${look.colour})`,
                  }}
                />
              )}
              {isChunks &&
                chunks.map((at, number) =>
                  number % every === 0 ? (
                    <span
                      key={number}
                      class={`waterfall-tick${together.has(number) ? " is-shared" : ""}`}
                      style={{ left: share(at), background: `var(--line-${look.colour})` }}
                    />
                  ) : null,
                )}
            </span>
            <span class="waterfall-time number">{duration(phase.duration_ms, scale)}</span>
          </div>
        );
      })}
      <div class="waterfall-row waterfall-axis muted">
        <span class="waterfall-name" />
        <span class="waterfall-lane">
          <span>0</span>
          <span class="number">{duration(total, scale)}</span>
        </span>
        <span class="waterfall-time" />
      </div>
      <p class="muted waterfall-note">
        From the intended start. {count(request.chunks)} chunks
        {chunks.length === 0 && request.chunks > 1 && ", whose gaps were not kept"}
        {every > 1 && `, every ${every}th is drawn`}
        {shared.length > 0 && `; ${count(shared.length)} came in one read with the next, so they have its stamp`}
        {leftOut > 0 && `; ${count(leftOut)} more are not drawn`}.{note && ` ${sentence(note)}`}
      </p>
    </div>
  );
}
