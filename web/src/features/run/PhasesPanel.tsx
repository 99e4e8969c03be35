/** Where the time of a request goes on average. Means, because they add up; percentiles of parts do not. */

import type { Figures, WindowedFigures } from "../../api/summary";
import { duration, durationScale, percent } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";

interface Phase {
  name: string;
  ms: number;
  colour: number;
}

/** The mean request cut into phases; those that were not measured are left out. */
export function phasesOf({ metrics }: Figures): Phase[] {
  const mean = (name: string) => metrics[name]?.mean ?? null;
  const marks: [string, number | null, number][] = [
    ["to first byte", mean("ttfb_ms"), 0],
    ["first byte to first token", mean("ttft_ms"), 3],
    ["streaming", mean("e2e_ms"), 2],
    ["to the end of the body", mean("stream_end_ms"), 7],
  ];
  const phases: Phase[] = [];
  const waited = mean("schedule_delay_ms");
  if (waited !== null && waited > 0) phases.push({ name: "schedule delay", ms: waited, colour: 1 });
  let at = 0;
  for (const [name, until, colour] of marks) {
    if (until === null) continue;
    phases.push({ name, ms: Math.max(0, until - at), colour });
    at = Math.max(at, until);
  }
  return phases;
}

export function PhasesPanel({ figures }: { figures: WindowedFigures }) {
  const rows = [
    { name: "Whole run", phases: phasesOf(figures), metrics: figures.metrics },
    ...(figures.steady
      ? [{ name: "Steady window", phases: phasesOf(figures.steady), metrics: figures.steady.metrics }]
      : []),
  ].filter(({ phases }) => phases.length > 0);
  if (rows.length === 0) return null;
  const longest = Math.max(...rows.map(({ phases }) => total(phases)), 1e-9);
  const scale = durationScale([longest]);
  const setup = ["dns_ms", "connect_ms", "tls_ms"].flatMap((name) => {
    const metric = figures.metrics[name];
    return metric?.mean ? [`${name.replace("_ms", "").toUpperCase()} ${duration(metric.mean)} (n = ${metric.n})`] : [];
  });
  return (
    <Panel title="Phases of a mean request" aside="means, which add up">
      {rows.map(({ name, phases }) => (
        <div key={name} class="phases">
          <h3>
            {name} <span class="number muted">{duration(total(phases), scale)}</span>
          </h3>
          <div
            class="phase-bar"
            role="img"
            aria-label={phases.map(({ name, ms }) => `${name} ${duration(ms)}`).join(", ")}
          >
            {phases.map((phase) => (
              <span
                key={phase.name}
                class="phase-part"
                title={`${phase.name}: ${duration(phase.ms)}`}
                style={{ width: `${(100 * phase.ms) / longest}%`, background: `var(--line-${phase.colour + 1})` }}
              />
            ))}
          </div>
          <ul class="phase-list">
            {phases.map((phase) => (
              <li key={phase.name}>
                <span
                  class="phase-swatch"
                  style={{ background: `var(--line-${phase.colour + 1})` }}
                  aria-hidden="true"
                />
                {phase.name} <span class="number">{duration(phase.ms)}</span>{" "}
                <span class="muted number">{percent(phase.ms / total(phases))}</span>
              </li>
            ))}
          </ul>
        </div>
      ))}
      {setup.length > 0 && (
        <p class="muted phase-note">New connections, before the first byte is sent: {setup.join(", ")}.</p>
      )}
    </Panel>
  );
}

function total(phases: readonly Phase[]): number {
  return phases.reduce((sum, { ms }) => sum + ms, 0);
}
