import type { ComponentChildren } from "preact";
import type { Calibration, Instrument, Lag, Maybe, Verdict } from "../../api/summary";
import { Badge, type Tone } from "../../ui/Badge";
import { METRIC_NAMES } from "../../ui/describe";
import type { IconName } from "../../ui/icons";
import { count, type DurationScale, duration, durationScale, inScale, MISSING, percent } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { sentence } from "../../ui/states";
import { exact, relative } from "../../ui/times";
import { Fact } from "./Facts";

export const VERDICTS: Record<Verdict, { tone: Tone; icon: IconName; word: string }> = {
  trusted: { tone: "ok", icon: "check", word: "trusted" },
  suspect: { tone: "warn", icon: "alert", word: "suspect" },
  client_bound: { tone: "bad", icon: "cross", word: "client-bound" },
};

const MEANINGS: Record<Verdict, string> = {
  trusted: "The numbers are the server's: the instrument kept up with room to spare.",
  suspect: "Something disturbed the instrument; take the numbers with care.",
  client_bound: "The instrument itself was the bottleneck: the server may well be faster than this.",
};

const CLOCKS: Record<string, string> = {
  kernel: "by the kernel, on arrival",
  user: "by the program, when it read",
};

const READERS: Record<string, string> = {
  native: "compiled (C)",
  python: "Python, about twice the CPU time",
};

/** The instrument's own error during the run, in plain words. */
export function CertificatePanel({ instrument, isImported }: { instrument: Maybe<Instrument>; isImported?: boolean }) {
  if (!instrument) return null;
  if (isImported) {
    // Another tool's instrument: zeros here would be claims that nobody measured.
    return (
      <Panel title="Certificate: the instrument's own error" aside={<Badge {...VERDICTS[instrument.verdict]} />}>
        <p class="certificate-reason">{instrument.reason && sentence(instrument.reason)}</p>
      </Panel>
    );
  }
  const { loop_lag_ms: loop, send_lag_ms: send } = instrument;
  const scale = durationScale([loop?.p50, loop?.p99, send?.p50, send?.p99]);
  const look = VERDICTS[instrument.verdict];
  return (
    <Panel title="Certificate: the instrument's own error" aside={look && <Badge {...look} />}>
      <p class="certificate-reason">
        {MEANINGS[instrument.verdict]} {instrument.reason && sentence(instrument.reason)}
      </p>
      <CalibrationLine calibration={instrument.calibration} />
      {!instrument.calibration && instrument.calibration_reason && (
        <p class="calibration muted">No ± error: {marked(instrument.calibration_reason)}</p>
      )}
      <dl class="facts">
        <Fact
          name="Receive stamps"
          value={CLOCKS[instrument.clock ?? ""] ?? instrument.clock ?? MISSING}
          title="kernel: stamped on arrival by the kernel; user: when the program read"
        />
        {instrument.reader != null && (
          <Fact
            name="Reader"
            value={READERS[instrument.reader] ?? instrument.reader}
            title="What read the sockets; the certificate judges either by the same rules"
          />
        )}
        <Fact name="Sent late p50 / p99 / max" value={lag(send, scale)} title="How late requests were sent" />
        <Fact name="Loop late p50 / p99 / max" value={lag(loop, scale)} title="How late the instrument's loop woke" />
        <Fact
          name="Chunks sharing a stamp"
          value={percent(instrument.coalesced_share)}
          title="Arrived in one read; flagged, never given invented times"
        />
        <Fact name="CPU of its busiest engine" value={percent(instrument.cpu_share)} title="Of one core" />
        {instrument.core_shares && instrument.core_shares.length > 0 && (
          <Fact
            name="Cores of the machine"
            value={describeCores(instrument.core_shares)}
            title="How busy each was, with everything that ran on it"
          />
        )}
        <Fact
          name="Clock steps"
          value={count(instrument.clock_steps)}
          title="Jumps of the system clock during the run"
        />
        {instrument.gc_pauses != null && (
          <Fact
            name="Garbage collections"
            value={
              instrument.gc_pauses > 0
                ? `${count(instrument.gc_pauses)}, longest ${duration(instrument.gc_pause_max_ms)}`
                : "none"
            }
            title="Pauses of the Python interpreter while it measured"
          />
        )}
        {instrument.steal_share != null && (
          <Fact
            name="CPU taken by other machines"
            value={percent(instrument.steal_share)}
            title="Steal: time that the hypervisor gave to others"
          />
        )}
        {instrument.involuntary_switches != null && (
          <Fact
            name="Pushed off its core"
            value={`${count(instrument.involuntary_switches)} times`}
            title="Involuntary context switches"
          />
        )}
        {instrument.dropped_samples != null && (
          <Fact
            name="Dropped samples"
            value={instrument.dropped_samples > 0 ? count(instrument.dropped_samples) : "none"}
            title="Out of the range of 1 µs to 1 h, or measured while the clock was stepped"
          />
        )}
        {Boolean(instrument.held_by_rate_limit) && (
          <Fact
            name="Held back by the client's limits"
            value={`${count(instrument.held_by_rate_limit)} starts`}
            title="Their wait shows as schedule delay"
          />
        )}
      </dl>
    </Panel>
  );
}

/** While a run lasts: what will be said, and when. */
export function LiveCertificate() {
  return (
    <Panel
      title="Certificate: the instrument's own error"
      aside={<Badge tone="quiet" icon="clock" word="with the end of the run" />}
    >
      <p class="certificate-reason">
        The instrument watches itself while it measures: how late it sends and reads, how busy its cores are, whether
        the clock jumps. Its verdict needs all of that, so it comes with the end of the run.
      </p>
    </Panel>
  );
}

/** Commands stand between back quotes. */
function marked(text: string): ComponentChildren[] {
  return text.split("`").map((piece, index) => (index % 2 === 1 ? <code key={index}>{piece}</code> : piece));
}

const MOST_CORES = 8;

function describeCores(shares: readonly number[]): string {
  if (shares.length <= MOST_CORES) return shares.map((share) => percent(share)).join(", ");
  return `${percent(Math.max(...shares))} the busiest of ${count(shares.length)}`;
}

/** "± error" of this machine, when it was calibrated at a like load. */
function CalibrationLine({ calibration }: { calibration: Maybe<Calibration> }) {
  const errors = Object.entries(calibration?.errors_ms ?? {}).flatMap(([key, error]) =>
    error?.p99 == null ? [] : [{ key, p50: error.p50, p99: error.p99 }],
  );
  if (!calibration || errors.length === 0) return null;
  const load = [
    calibration.concurrency != null && `${count(calibration.concurrency)} streams`,
    calibration.chunks_per_s != null && `${count(calibration.chunks_per_s)} chunks/s`,
  ].filter(Boolean);
  return (
    <div class="calibration">
      <p>
        Calibrated {calibration.at && <span title={exact(calibration.at)}>{relative(calibration.at, Date.now())}</span>}{" "}
        against a server of known timings{load.length > 0 && ` at ${load.join(", ")}`}. 99 of 100 values were within:
      </p>
      <ul>
        {errors.map(({ key, p50, p99 }) => (
          <li key={key} title={p50 == null ? undefined : `half of them within ± ${duration(p50)}`}>
            <span class="number">± {duration(p99)}</span> <span class="muted">{METRIC_NAMES[key] ?? key}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function lag(value: Maybe<Lag>, scale: DurationScale): string {
  if (!value) return MISSING;
  return `${inScale(value.p50, scale)} / ${inScale(value.p99, scale)} / ${duration(value.max, scale)}`;
}
