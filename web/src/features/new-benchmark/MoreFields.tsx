/** The parts that have a sensible value when left alone. Empty fields are not sent; the shown value is what then applies. */

import { AreaField, CheckField, Choice, NumberField, TextField } from "../../ui/Field";
import type { FormProps } from "./form-props";

export function SloFields({ draft, change, problems }: FormProps) {
  return (
    <div class="fields fields-three">
      <NumberField
        label="TTFT"
        unit="ms"
        name="slo-ttft"
        value={draft.sloTtftMs}
        path="slo.ttft_ms"
        problem={problems["slo.ttft_ms"]}
        onInput={(sloTtftMs) => change({ sloTtftMs })}
      />
      <NumberField
        label="TPOT"
        unit="ms"
        name="slo-tpot"
        value={draft.sloTpotMs}
        path="slo.tpot_ms"
        problem={problems["slo.tpot_ms"]}
        onInput={(sloTpotMs) => change({ sloTpotMs })}
      />
      <NumberField
        label="End to end"
        unit="ms"
        name="slo-e2e"
        value={draft.sloE2eMs}
        path="slo.e2e_ms"
        problem={problems["slo.e2e_ms"]}
        onInput={(sloE2eMs) => change({ sloE2eMs })}
      />
    </div>
  );
}

export function SamplingFields({ draft, change, problems }: FormProps) {
  return (
    <div class="fields fields-three">
      <NumberField
        whole
        label="Max. tokens"
        name="max-tokens"
        placeholder="not sent"
        value={draft.maxTokens}
        path="sampling.max_tokens"
        problem={problems["sampling.max_tokens"]}
        onInput={(maxTokens) => change({ maxTokens })}
      />
      <NumberField
        label="Temperature"
        name="temperature"
        placeholder="not sent"
        value={draft.temperature}
        path="sampling.temperature"
        problem={problems["sampling.temperature"]}
        onInput={(temperature) => change({ temperature })}
      />
      <NumberField
        label="Top p"
        name="top-p"
        placeholder="not sent"
        value={draft.topP}
        path="sampling.top_p"
        problem={problems["sampling.top_p"]}
        onInput={(topP) => change({ topP })}
      />
      <NumberField
        whole
        label="Seed of the model"
        name="sampling-seed"
        placeholder="not sent"
        value={draft.samplingSeed}
        path="sampling.seed"
        problem={problems["sampling.seed"]}
        onInput={(samplingSeed) => change({ samplingSeed })}
      />
      <AreaField
        wide
        rows={2}
        label="System prompt"
        name="system"
        placeholder="none"
        value={draft.system}
        path="sampling.system"
        problem={problems["sampling.system"]}
        onInput={(system) => change({ system })}
      />
      <AreaField
        wide
        rows={2}
        label="Stop texts"
        name="stop-texts"
        hint="one a line, up to 16"
        value={draft.stopTexts}
        path="sampling.stop"
        problem={problems["sampling.stop"]}
        onInput={(stopTexts) => change({ stopTexts })}
      />
      <AreaField
        wide
        mono
        rows={2}
        label="Further fields of the request"
        name="extra"
        placeholder='{"top_k": 40}'
        hint="a JSON object, put into the body as it is"
        value={draft.extra}
        path="sampling.extra"
        problem={problems["sampling.extra"]}
        onInput={(extra) => change({ extra })}
      />
      <div class="field-wide">
        <CheckField
          label="Stream the answer"
          hint="Without streaming there is no time to first token and no chunk gap."
          checked={draft.stream}
          onInput={(stream) => change({ stream })}
        />
      </div>
    </div>
  );
}

export function LimitFields({ draft, change, problems }: FormProps) {
  return (
    <div class="fields fields-four">
      <NumberField
        label="Connect"
        unit="s"
        name="timeout-connect"
        placeholder="10"
        value={draft.connectSeconds}
        path="timeouts.connect_seconds"
        problem={problems["timeouts.connect_seconds"]}
        onInput={(connectSeconds) => change({ connectSeconds })}
      />
      <NumberField
        label="First token"
        unit="s"
        name="timeout-first-token"
        placeholder="120"
        value={draft.firstTokenSeconds}
        path="timeouts.first_token_seconds"
        problem={problems["timeouts.first_token_seconds"]}
        onInput={(firstTokenSeconds) => change({ firstTokenSeconds })}
      />
      <NumberField
        label="Between chunks"
        unit="s"
        name="timeout-between"
        placeholder="60"
        value={draft.betweenChunksSeconds}
        path="timeouts.between_chunks_seconds"
        problem={problems["timeouts.between_chunks_seconds"]}
        onInput={(betweenChunksSeconds) => change({ betweenChunksSeconds })}
      />
      <NumberField
        label="Whole request"
        unit="s"
        name="timeout-total"
        placeholder="600"
        value={draft.totalSeconds}
        path="timeouts.total_seconds"
        problem={problems["timeouts.total_seconds"]}
        onInput={(totalSeconds) => change({ totalSeconds })}
      />
      <NumberField
        whole
        label="Attempts"
        name="max-attempts"
        placeholder="1"
        hint="1: never retry"
        value={draft.maxAttempts}
        path="retry.max_attempts"
        problem={problems["retry.max_attempts"]}
        onInput={(maxAttempts) => change({ maxAttempts })}
      />
      <NumberField
        label="First pause"
        unit="ms"
        name="base-delay"
        placeholder="500"
        value={draft.baseDelayMs}
        path="retry.base_delay_ms"
        problem={problems["retry.base_delay_ms"]}
        onInput={(baseDelayMs) => change({ baseDelayMs })}
      />
      <NumberField
        label="Longest pause"
        unit="ms"
        name="max-delay"
        placeholder="20,000"
        value={draft.maxDelayMs}
        path="retry.max_delay_ms"
        problem={problems["retry.max_delay_ms"]}
        onInput={(maxDelayMs) => change({ maxDelayMs })}
      />
    </div>
  );
}

/** What the client allows itself, and what it may cost. */
export function BudgetFields({ draft, change, problems }: FormProps) {
  return (
    <div class="fields fields-three">
      <NumberField
        label="Budget"
        unit="USD"
        name="budget"
        placeholder="none"
        hint="not started when the estimate is above it, stopped when the cost reaches it"
        value={draft.budgetUsd}
        path="budget_usd"
        problem={problems.budget_usd}
        onInput={(budgetUsd) => change({ budgetUsd })}
      />
      <NumberField
        label="Requests"
        unit="per minute"
        name="requests-per-minute"
        placeholder="no limit"
        hint="started at most, over all workers"
        value={draft.requestsPerMinute}
        path="limits.requests_per_minute"
        problem={problems["limits.requests_per_minute"]}
        onInput={(requestsPerMinute) => change({ requestsPerMinute })}
      />
      <NumberField
        label="Tokens"
        unit="per minute"
        name="tokens-per-minute"
        placeholder="no limit"
        hint="input and output; a wait shows as schedule delay"
        value={draft.tokensPerMinute}
        path="limits.tokens_per_minute"
        problem={problems["limits.tokens_per_minute"]}
        onInput={(tokensPerMinute) => change({ tokensPerMinute })}
      />
    </div>
  );
}

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
