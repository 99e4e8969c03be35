/** What every request says to the model beside its prompt. Empty fields are not sent. */

import { AreaField, CheckField, NumberField } from "../../ui/Field";
import type { FormProps } from "./form-props";

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
