import { AreaField, Choice, NumberField } from "../../ui/Field";
import { FileDrop } from "./FileDrop";
import type { FormProps } from "./form-props";
import { LengthField } from "./LengthField";
import { Words } from "./LengthFields";
import { PROMPT_FILES, parseTexts } from "./prompt-files";

/** Texts to embed: made up, or given. */
export function EmbeddingFields(props: FormProps) {
  const { draft, changeWorkload, problems } = props;
  const { embedsTexts, texts, textFile, batchSize, inputTokens } = draft.workload;
  return (
    <>
      <Choice
        legend="Texts to embed"
        value={embedsTexts ? "texts" : "synthetic"}
        onInput={(value) => changeWorkload({ embedsTexts: value === "texts" })}
        options={[
          { value: "synthetic", label: "Made-up texts" },
          { value: "texts", label: "Given texts" },
        ]}
      />
      {embedsTexts ? (
        <>
          <FileDrop
            what="texts"
            accept={PROMPT_FILES}
            chosen={textFile && { name: textFile.name, n: textFile.items.length }}
            onText={(name, text) => changeWorkload({ textFile: { name, items: parseTexts(name, text) } })}
            onRemove={() => changeWorkload({ textFile: null })}
          />
          {textFile && problems["workload.texts"] && <p class="field-problem">{problems["workload.texts"]}</p>}
          {!textFile && (
            <AreaField
              label="Texts"
              name="texts"
              hint="one a line, taken in turn"
              value={texts}
              path="workload.texts"
              problem={problems["workload.texts"]}
              onInput={(value) => changeWorkload({ texts: value })}
            />
          )}
        </>
      ) : (
        <LengthField
          label="Input"
          name="input-tokens"
          path="workload.input_tokens"
          hint="about, of each text"
          value={inputTokens}
          problems={problems}
          onInput={(value) => changeWorkload({ inputTokens: value })}
        />
      )}
      <div class="fields">
        <NumberField
          whole
          label="Texts per request"
          name="batch-size"
          placeholder="1"
          value={batchSize}
          path="workload.batch_size"
          problem={problems["workload.batch_size"]}
          onInput={(value) => changeWorkload({ batchSize: value })}
        />
      </div>
      {!embedsTexts && <Words {...props} />}
    </>
  );
}
