/** The fields of rates that change over time. */

import { NumberField, SelectField } from "../../ui/Field";
import type { Arrival, LoadDraft } from "./draft";
import type { FormProps } from "./form-props";

export function BurstinessField({ draft, changeLoad, problems }: FormProps) {
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

export function ArrivalFields(props: FormProps) {
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

export function RampFields(props: FormProps) {
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

export function SpikeFields(props: FormProps) {
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
