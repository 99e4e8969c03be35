/** How the run is kept, cut and placed. The shown value applies to an empty field. */

import { CheckField, Choice, NumberField, TextField } from "../../ui/Field";
import type { FormProps } from "./form-props";

/** Which part of the run is steady. */
export function WindowFields({ draft, change, problems }: FormProps) {
  return (
    <div class="stack">
      <Choice
        legend="Steady window"
        value={draft.givesWindow ? "given" : "auto"}
        onInput={(value) => change({ givesWindow: value === "given" })}
        options={[
          { value: "auto", label: "Found automatically" },
          { value: "given", label: "Given" },
        ]}
      />
      {draft.givesWindow && (
        <div class="fields">
          <NumberField
            label="Warm-up"
            unit="s"
            name="warmup"
            placeholder="found automatically"
            hint="from the start, not steady yet"
            value={draft.warmupSeconds}
            path="window.warmup_seconds"
            problem={problems["window.warmup_seconds"]}
            onInput={(warmupSeconds) => change({ warmupSeconds })}
          />
          <NumberField
            label="Cool-down"
            unit="s"
            name="cooldown"
            placeholder="found automatically"
            hint="up to the end, no longer steady"
            value={draft.cooldownSeconds}
            path="window.cooldown_seconds"
            problem={problems["window.cooldown_seconds"]}
            onInput={(cooldownSeconds) => change({ cooldownSeconds })}
          />
        </div>
      )}
    </div>
  );
}

export function RunFields({ draft, change, problems }: FormProps) {
  return (
    <div class="fields">
      <TextField
        label="Tags"
        name="tags"
        hint="separated by commas"
        value={draft.tags}
        path="tags"
        problem={problems.tags}
        onInput={(tags) => change({ tags })}
      />
      <NumberField
        whole
        label="Seed"
        name="seed"
        placeholder="0"
        hint="same seed, same schedule and prompts"
        value={draft.seed}
        path="seed"
        problem={problems.seed}
        onInput={(seed) => change({ seed })}
      />
      <NumberField
        whole
        label="Workers"
        name="workers"
        placeholder="1"
        hint="each wants a core of its own"
        value={draft.workers}
        path="workers"
        problem={problems.workers}
        onInput={(workers) => change({ workers })}
      />
      <TextField
        label="Placement"
        name="placement"
        placeholder="any worker"
        hint="tags that every worker must have, such as gpu, region=eu"
        value={draft.placement}
        path="placement"
        problem={problems.placement}
        onInput={(placement) => change({ placement })}
      />
      <div class="field-wide checks">
        <CheckField
          label="Keep the response texts"
          checked={draft.saveResponses}
          onInput={(saveResponses) => change({ saveResponses })}
        />
        <CheckField
          label="Keep every chunk gap"
          checked={draft.saveGaps}
          onInput={(saveGaps) => change({ saveGaps })}
        />
        <CheckField
          label="Send a trace context with each request"
          hint="A W3C traceparent header, so that the server's own traces can be found by request."
          checked={draft.propagateTrace}
          onInput={(propagateTrace) => change({ propagateTrace })}
        />
      </div>
    </div>
  );
}
