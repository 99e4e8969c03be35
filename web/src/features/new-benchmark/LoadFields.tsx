/** When requests start, and until when. */

import type { BenchmarkSpec } from "../../api/types";
import { endsByItself } from "../../ui/describe";
import { AreaField, NumberField, SelectField } from "../../ui/Field";
import type { Arrival, LoadDraft } from "./draft";
import { FileDrop } from "./FileDrop";
import type { FormProps } from "./form-props";
import { KindChoice } from "./KindChoice";
import { StepRows } from "./StepRows";
import { isExplored } from "./spec-load";
import { parseTrace } from "./trace-files";

const USUAL: { value: LoadDraft["kind"]; label: string }[] = [
  { value: "closed", label: "Users" },
  { value: "constant", label: "Constant rate" },
  { value: "poisson", label: "Poisson" },
];
const REST: { value: LoadDraft["kind"]; label: string }[] = [
  { value: "gamma", label: "Bursty" },
  { value: "ramp", label: "Ramp" },
  { value: "steps", label: "Steps" },
  { value: "spike", label: "Spike" },
  { value: "closed_steps", label: "Steps of users" },
  { value: "trace", label: "Recorded trace" },
];

export function LoadFields(props: FormProps) {
  const { draft, changeLoad } = props;
  const { load } = draft;
  const isOpenLoop = load.kind !== "closed" && load.kind !== "closed_steps";
  return (
    <>
      <KindChoice legend="Load" value={load.kind} onInput={(kind) => changeLoad({ kind })} usual={USUAL} rest={REST} />
      <div class="fields">
        <KindFields {...props} />
        {isOpenLoop && <CapField {...props} />}
      </div>
    </>
  );
}

function KindFields(props: FormProps) {
  const { draft, changeLoad, problems } = props;
  const { load } = draft;
  switch (load.kind) {
    case "closed":
      return <UserFields {...props} />;
    case "closed_steps":
      return (
        <StepRows
          label="Users"
          field="concurrency"
          steps={load.userSteps}
          problems={problems}
          onInput={(userSteps) => changeLoad({ userSteps })}
        />
      );
    case "constant":
    case "poisson":
      return <RateField {...props} />;
    case "gamma":
      return (
        <>
          <RateField {...props} />
          <BurstinessField {...props} />
        </>
      );
    case "ramp":
      return <RampFields {...props} />;
    case "steps":
      return (
        <>
          <StepRows
            label="Rate"
            unit="req/s"
            field="rate"
            steps={load.rateSteps}
            problems={problems}
            onInput={(rateSteps) => changeLoad({ rateSteps })}
          />
          <ArrivalFields {...props} />
        </>
      );
    case "spike":
      return <SpikeFields {...props} />;
    case "trace":
      return <TraceFields {...props} />;
  }
}

function UserFields({ draft, changeLoad, problems }: FormProps) {
  const { load } = draft;
  return (
    <>
      {!isExplored(draft) && (
        <NumberField
          whole
          label="Users"
          name="concurrency"
          hint="Each sends its next request when the last has ended."
          value={load.concurrency}
          path="load.concurrency"
          problem={problems["load.concurrency"]}
          onInput={(concurrency) => changeLoad({ concurrency })}
        />
      )}
      <NumberField
        label="Join over"
        unit="s"
        name="ramp-up"
        placeholder="0"
        hint="one by one; 0: all at once"
        value={load.rampUpSeconds}
        path="load.ramp_up_seconds"
        problem={problems["load.ramp_up_seconds"]}
        onInput={(rampUpSeconds) => changeLoad({ rampUpSeconds })}
      />
    </>
  );
}

function RateField({ draft, changeLoad, problems }: FormProps) {
  if (isExplored(draft)) return null;
  return (
    <NumberField
      label="Rate"
      unit="req/s"
      name="rate"
      hint="Requests start on schedule, whatever the server does."
      value={draft.load.rate}
      path="load.rate"
      problem={problems["load.rate"]}
      onInput={(rate) => changeLoad({ rate })}
    />
  );
}

function CapField({ draft, changeLoad, problems }: FormProps) {
  return (
    <NumberField
      whole
      label="Most in flight"
      name="max-in-flight"
      placeholder="20,000"
      hint="Later ones wait; the wait is measured."
      value={draft.load.maxInFlight}
      path="load.max_in_flight"
      problem={problems["load.max_in_flight"]}
      onInput={(maxInFlight) => changeLoad({ maxInFlight })}
    />
  );
}

function BurstinessField({ draft, changeLoad, problems }: FormProps) {
  return (
    <NumberField
      label="Burstiness"
      name="burstiness"
      hint="1 is Poisson; below it arrivals come in bursts"
      value={draft.load.burstiness}
      path="load.burstiness"
      problem={problems["load.burstiness"]}
      onInput={(burstiness) => changeLoad({ burstiness })}
    />
  );
}

function ArrivalFields(props: FormProps) {
  const { draft, changeLoad, problems } = props;
  return (
    <>
      <SelectField
        label="Arrivals"
        name="arrival"
        value={draft.load.arrival}
        path="load.arrival"
        problem={problems["load.arrival"]}
        onInput={(arrival) => changeLoad({ arrival: arrival as Arrival })}
        options={[
          { value: "poisson", label: "Poisson" },
          { value: "constant", label: "evenly spaced" },
          { value: "gamma", label: "bursty (gamma)" },
        ]}
      />
      {draft.load.arrival === "gamma" && <BurstinessField {...props} />}
    </>
  );
}

function RampFields(props: FormProps) {
  const { draft, changeLoad, problems } = props;
  const { load } = draft;
  return (
    <>
      <NumberField
        label="From"
        unit="req/s"
        name="from-rate"
        value={load.fromRate}
        path="load.from_rate"
        problem={problems["load.from_rate"]}
        onInput={(fromRate) => changeLoad({ fromRate })}
      />
      <NumberField
        label="To"
        unit="req/s"
        name="to-rate"
        hint="and stays there"
        value={load.toRate}
        path="load.to_rate"
        problem={problems["load.to_rate"]}
        onInput={(toRate) => changeLoad({ toRate })}
      />
      <NumberField
        label="In"
        unit="s"
        name="ramp-seconds"
        value={load.rampSeconds}
        path="load.seconds"
        problem={problems["load.seconds"]}
        onInput={(rampSeconds) => changeLoad({ rampSeconds })}
      />
      <SelectField
        label="Curve"
        name="curve"
        value={load.curve}
        path="load.curve"
        problem={problems["load.curve"]}
        onInput={(curve) => changeLoad({ curve: curve as LoadDraft["curve"] })}
        options={[
          { value: "linear", label: "linear" },
          { value: "exponential", label: "exponential" },
        ]}
      />
      <ArrivalFields {...props} />
    </>
  );
}

function SpikeFields(props: FormProps) {
  const { draft, changeLoad, problems } = props;
  const { load } = draft;
  return (
    <>
      <NumberField
        label="Rate"
        unit="req/s"
        name="rate"
        hint="before and after the spike"
        value={load.rate}
        path="load.rate"
        problem={problems["load.rate"]}
        onInput={(rate) => changeLoad({ rate })}
      />
      <NumberField
        label="Spike"
        unit="req/s"
        name="spike-rate"
        value={load.spikeRate}
        path="load.spike_rate"
        problem={problems["load.spike_rate"]}
        onInput={(spikeRate) => changeLoad({ spikeRate })}
      />
      <NumberField
        label="Begins at"
        unit="s"
        name="spike-at"
        value={load.spikeAtSeconds}
        path="load.spike_at_seconds"
        problem={problems["load.spike_at_seconds"]}
        onInput={(spikeAtSeconds) => changeLoad({ spikeAtSeconds })}
      />
      <NumberField
        label="Lasts"
        unit="s"
        name="spike-seconds"
        value={load.spikeSeconds}
        path="load.spike_seconds"
        problem={problems["load.spike_seconds"]}
        onInput={(spikeSeconds) => changeLoad({ spikeSeconds })}
      />
      <ArrivalFields {...props} />
    </>
  );
}

function TraceFields({ draft, change, changeLoad, problems }: FormProps) {
  const { load, traceFile } = draft;
  return (
    <>
      <div class="field-wide">
        <FileDrop
          what="requests"
          accept=".csv, .jsonl, .json"
          chosen={traceFile && { name: traceFile.name, n: traceFile.atSeconds.length }}
          onText={(name, text) => change({ traceFile: parseTrace(name, text) })}
          onRemove={() => change({ traceFile: null })}
        />
      </div>
      {traceFile && problems["load.at_seconds"] && (
        <p class="field-problem field-wide">{problems["load.at_seconds"]}</p>
      )}
      {!traceFile && (
        <AreaField
          wide
          mono
          rows={2}
          label="Start times"
          unit="s"
          name="at-seconds"
          placeholder="0, 0.4, 1.25"
          hint="from the start, ascending; or a trace of Azure, BurstGPT or Mooncake above"
          value={load.atSeconds}
          path="load.at_seconds"
          problem={problems["load.at_seconds"]}
          onInput={(atSeconds) => changeLoad({ atSeconds })}
        />
      )}
      <NumberField
        label="Speed"
        unit="×"
        name="speed"
        placeholder="1"
        hint="2 replays in half the time"
        value={load.speed}
        path="load.speed"
        problem={problems["load.speed"]}
        onInput={(speed) => changeLoad({ speed })}
      />
    </>
  );
}

export function StopFields({ draft, change, problems, spec }: FormProps & { spec: BenchmarkSpec }) {
  const isOptional = endsByItself(spec.load);
  return (
    <div class="fields">
      <NumberField
        whole
        label="Requests"
        name="requests"
        hint={spec.explore ? "per target and level" : "per target"}
        placeholder={isOptional ? "all" : undefined}
        value={draft.requests}
        path="stop.requests"
        problem={problems["stop.requests"]}
        onInput={(requests) => change({ requests })}
      />
      <NumberField
        label="Duration"
        unit="s"
        name="duration"
        hint={isOptional ? "The load ends by itself; this may end it sooner." : "no request starts after it"}
        value={draft.durationSeconds}
        path="stop.duration_seconds"
        problem={problems["stop.duration_seconds"]}
        onInput={(durationSeconds) => change({ durationSeconds })}
      />
    </div>
  );
}
