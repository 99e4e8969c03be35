/** What is asked: which kind, and the fields of the short ones. */

import { AreaField, NumberField } from "../../ui/Field";
import { ConversationFields, GivenConversations } from "./ConversationFields";
import type { WorkloadDraft } from "./draft";
import { EmbeddingFields } from "./EmbeddingFields";
import { FileDrop } from "./FileDrop";
import type { FormProps } from "./form-props";
import { KindChoice } from "./KindChoice";
import { Lengths, Words } from "./LengthFields";
import { MediaFields } from "./MediaFields";
import { PROMPT_FILES, parsePrompts } from "./prompt-files";
import { TraceLengthFields } from "./TraceLengthFields";

const USUAL: { value: WorkloadDraft["kind"]; label: string }[] = [
  { value: "prompt", label: "One prompt" },
  { value: "list", label: "Prompt list" },
  { value: "synthetic", label: "Synthetic" },
];
const REST: { value: WorkloadDraft["kind"]; label: string }[] = [
  { value: "shared_prefix", label: "Shared prefix" },
  { value: "conversation", label: "Conversations" },
  { value: "conversation_list", label: "Given conversations" },
  { value: "embeddings", label: "Embeddings" },
  { value: "trace", label: "Trace lengths" },
];

export function WorkloadFields(props: FormProps) {
  const { draft, changeWorkload } = props;
  return (
    <>
      <KindChoice
        legend="Workload"
        value={draft.workload.kind}
        onInput={(kind) => changeWorkload({ kind })}
        usual={USUAL}
        rest={REST}
      />
      <KindFields {...props} />
    </>
  );
}

function KindFields(props: FormProps) {
  const { draft, changeWorkload, problems } = props;
  const { workload } = draft;
  switch (workload.kind) {
    case "prompt":
      return (
        <div class="fields">
          <AreaField
            wide
            label="Prompt"
            name="prompt"
            hint="Every request sends it, so a server's prompt cache will answer faster than it would in use."
            value={workload.prompt}
            path="workload.prompt"
            problem={problems["workload.prompt"]}
            onInput={(prompt) => changeWorkload({ prompt })}
          />
        </div>
      );
    case "list":
      return <ListFields {...props} />;
    case "synthetic":
      return (
        <>
          <Lengths {...props} hint="about; different for every request" />
          <Words {...props} />
          <MediaFields {...props} />
        </>
      );
    case "shared_prefix":
      return <PrefixFields {...props} />;
    case "conversation":
      return <ConversationFields {...props} />;
    case "conversation_list":
      return <GivenConversations {...props} />;
    case "embeddings":
      return <EmbeddingFields {...props} />;
    case "trace":
      return <TraceLengthFields {...props} />;
  }
}

function ListFields({ draft, changeWorkload, problems }: FormProps) {
  const { prompts, promptFile } = draft.workload;
  const problem = problems["workload.prompts"];
  return (
    <div class="stack">
      <FileDrop
        what="prompts"
        accept={PROMPT_FILES}
        chosen={promptFile && { name: promptFile.name, n: promptFile.items.length }}
        onText={(name, text) => changeWorkload({ promptFile: { name, items: parsePrompts(name, text) } })}
        onRemove={() => changeWorkload({ promptFile: null })}
      />
      {promptFile ? (
        problem && <p class="field-problem">{problem}</p>
      ) : (
        <AreaField
          rows={6}
          label="Prompts"
          name="prompts"
          hint="One a line, taken in order, again from the first when they run out."
          value={prompts}
          path="workload.prompts"
          problem={problem}
          onInput={(text) => changeWorkload({ prompts: text })}
        />
      )}
    </div>
  );
}

function PrefixFields(props: FormProps) {
  const { draft, changeWorkload, problems } = props;
  const { workload } = draft;
  return (
    <>
      <div class="fields fields-three">
        <NumberField
          whole
          label="Prefixes"
          name="groups"
          placeholder="1"
          hint="each request draws one"
          value={workload.groups}
          path="workload.groups"
          problem={problems["workload.groups"]}
          onInput={(groups) => changeWorkload({ groups })}
        />
        <NumberField
          whole
          label="Prefix"
          unit="tokens"
          name="prefix-tokens"
          hint="the shared part"
          value={workload.prefixTokens}
          path="workload.prefix_tokens"
          problem={problems["workload.prefix_tokens"]}
          onInput={(prefixTokens) => changeWorkload({ prefixTokens })}
        />
        <NumberField
          label="Unique"
          unit="%"
          name="uniqueness"
          placeholder="100"
          hint="own parts nobody else sends"
          value={workload.uniqueness}
          path="workload.uniqueness"
          problem={problems["workload.uniqueness"]}
          onInput={(uniqueness) => changeWorkload({ uniqueness })}
        />
      </div>
      <Lengths {...props} hint="about; the part of its own" />
      <Words {...props} />
    </>
  );
}
