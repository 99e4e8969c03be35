/** The parts that every benchmark needs: what is sent, how fast, and until when. */

import { AreaField, Choice, NumberField } from "../../ui/Field";
import type { Draft } from "./draft";
import type { FormProps } from "./form";

export function WorkloadFields({ draft, change, problems }: FormProps) {
  return (
    <>
      <Choice
        legend="Workload"
        value={draft.workloadKind}
        onInput={(kind) => change({ workloadKind: kind as Draft["workloadKind"] })}
        options={[
          { value: "prompt", label: "One prompt" },
          { value: "list", label: "Prompt list" },
          { value: "synthetic", label: "Synthetic" },
        ]}
      />
      <div class="fields">
        {draft.workloadKind === "prompt" && (
          <AreaField
            wide
            label="Prompt"
            name="prompt"
            hint="Every request sends it, so a server's prompt cache will answer faster than it would in use."
            value={draft.prompt}
            problem={problems["workload.prompt"]}
            onInput={(prompt) => change({ prompt })}
          />
        )}
        {draft.workloadKind === "list" && (
          <AreaField
            wide
            rows={6}
            label="Prompts"
            name="prompts"
            hint="One a line, taken in order, again from the first when they run out."
            value={draft.prompts}
            problem={problems["workload.prompts"]}
            onInput={(prompts) => change({ prompts })}
          />
        )}
        {draft.workloadKind === "synthetic" && (
          <>
            <NumberField
              whole
              label="Input"
              unit="tokens"
              name="input-tokens"
              hint="about; different for every request"
              value={draft.inputTokens}
              problem={problems["workload.input_tokens"]}
              onInput={(inputTokens) => change({ inputTokens })}
            />
            <NumberField
              whole
              label="Output"
              unit="tokens"
              name="output-tokens"
              hint="asked for exactly"
              value={draft.outputTokens}
              problem={problems["workload.output_tokens"]}
              onInput={(outputTokens) => change({ outputTokens })}
            />
          </>
        )}
      </div>
    </>
  );
}

export function LoadFields({ draft, change, problems }: FormProps) {
  return (
    <>
      <Choice
        legend="Load"
        value={draft.loadKind}
        onInput={(kind) => change({ loadKind: kind as Draft["loadKind"] })}
        options={[
          { value: "closed", label: "Users" },
          { value: "constant", label: "Constant rate" },
          { value: "poisson", label: "Poisson" },
        ]}
      />
      <div class="fields">
        {draft.loadKind === "closed" ? (
          <NumberField
            whole
            wide
            label="Users"
            name="concurrency"
            hint="Each sends its next request when the last has ended."
            value={draft.concurrency}
            problem={problems["load.concurrency"]}
            onInput={(concurrency) => change({ concurrency })}
          />
        ) : (
          <>
            <NumberField
              label="Rate"
              unit="req/s"
              name="rate"
              hint="Requests start on schedule, whatever the server does."
              value={draft.rate}
              problem={problems["load.rate"]}
              onInput={(rate) => change({ rate })}
            />
            <NumberField
              whole
              label="Most in flight"
              name="max-in-flight"
              placeholder="20,000"
              hint="Later ones wait; the wait is measured."
              value={draft.maxInFlight}
              problem={problems["load.max_in_flight"]}
              onInput={(maxInFlight) => change({ maxInFlight })}
            />
          </>
        )}
      </div>
    </>
  );
}

export function StopFields({ draft, change, problems }: FormProps) {
  return (
    <div class="fields">
      <NumberField
        whole
        label="Requests"
        name="requests"
        hint="per target"
        value={draft.requests}
        problem={problems["stop.requests"]}
        onInput={(requests) => change({ requests })}
      />
      <NumberField
        label="Duration"
        unit="s"
        name="duration"
        hint="no request starts after it"
        value={draft.durationSeconds}
        problem={problems["stop.duration_seconds"]}
        onInput={(durationSeconds) => change({ durationSeconds })}
      />
    </div>
  );
}
