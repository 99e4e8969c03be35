/** How long prompts and answers are, in tokens. */

import { NumberField } from "../../ui/Field";
import type { FormProps } from "./form-props";
import { LengthField } from "./LengthField";

export function Lengths({ draft, changeWorkload, problems, hint }: FormProps & { hint: string }) {
  return (
    <>
      <LengthField
        label="Input"
        name="input-tokens"
        path="workload.input_tokens"
        hint={hint}
        value={draft.workload.inputTokens}
        problems={problems}
        onInput={(inputTokens) => changeWorkload({ inputTokens })}
      />
      <LengthField
        label="Output"
        name="output-tokens"
        path="workload.output_tokens"
        hint="asked for exactly"
        value={draft.workload.outputTokens}
        problems={problems}
        onInput={(outputTokens) => changeWorkload({ outputTokens })}
      />
    </>
  );
}

/** Rarely known by hand, so behind a word of its own. */
export function Words({ draft, changeWorkload, problems }: FormProps) {
  const problem = problems["workload.words_per_token"];
  return (
    <details open={Boolean(problem) || draft.workload.wordsPerToken !== "" || undefined}>
      <summary class="words-summary">Words per token</summary>
      <NumberField
        label="Words per token"
        name="words-per-token"
        placeholder="found out from the server's own usage"
        hint="A few short requests before the run find it out when this is left empty."
        value={draft.workload.wordsPerToken}
        path="workload.words_per_token"
        problem={problem}
        onInput={(wordsPerToken) => changeWorkload({ wordsPerToken })}
      />
    </details>
  );
}
