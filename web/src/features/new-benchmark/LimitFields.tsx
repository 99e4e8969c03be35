/** Bounds: what is good enough, how long to wait, how often to try, what it may cost. The shown value applies to an empty field. */

import { NumberField } from "../../ui/Field";
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
