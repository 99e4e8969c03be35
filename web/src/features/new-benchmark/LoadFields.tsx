/** When requests start: which shape, and the fields of the plain ones. */

import { NumberField } from "../../ui/Field";
import type { LoadDraft } from "./draft";
import type { FormProps } from "./form-props";
import { KindChoice } from "./KindChoice";
import { ArrivalFields, BurstinessField, RampFields, SpikeFields } from "./ShapeFields";
import { StepRows } from "./StepRows";
import { isExplored } from "./spec-load";
import { TraceLoadFields } from "./TraceLoadFields";

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
      return <TraceLoadFields {...props} />;
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
