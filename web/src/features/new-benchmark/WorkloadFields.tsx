/** What is asked. */

import { AreaField, Choice, NumberField, SelectField } from "../../ui/Field";
import type { WorkloadDraft } from "./draft";
import { FileDrop } from "./FileDrop";
import type { FormProps } from "./form-props";
import { KindChoice } from "./KindChoice";
import { LengthField } from "./LengthField";
import { MediaFields } from "./MediaFields";
import { parseConversations, parsePrompts, parseTexts } from "./prompt-files";
import { parseTrace } from "./trace-files";

const FILES = ".txt, .jsonl, .json, .csv";

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
      return <TraceFields {...props} />;
  }
}

function Lengths({ draft, changeWorkload, problems, hint }: FormProps & { hint: string }) {
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
function Words({ draft, changeWorkload, problems }: FormProps) {
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

function ListFields({ draft, changeWorkload, problems }: FormProps) {
  const { prompts, promptFile } = draft.workload;
  const problem = problems["workload.prompts"];
  return (
    <div class="stack">
      <FileDrop
        what="prompts"
        accept={FILES}
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

function ThinkFields({ draft, changeWorkload, problems }: FormProps) {
  const { workload } = draft;
  return (
    <>
      <NumberField
        label="Think time"
        unit="s"
        name="think-seconds"
        placeholder="0"
        hint="between an answer and the next question"
        value={workload.thinkSeconds}
        path="workload.think_time.mean_seconds"
        problem={problems["workload.think_time.mean_seconds"]}
        onInput={(thinkSeconds) => changeWorkload({ thinkSeconds })}
      />
      <SelectField
        label="Pauses are"
        name="think-distribution"
        value={workload.thinkDistribution}
        path="workload.think_time.distribution"
        problem={problems["workload.think_time.distribution"]}
        onInput={(value) => changeWorkload({ thinkDistribution: value as WorkloadDraft["thinkDistribution"] })}
        options={[
          { value: "fixed", label: "all the same" },
          { value: "exponential", label: "exponential" },
        ]}
      />
    </>
  );
}

function ConversationFields(props: FormProps) {
  const { draft, changeWorkload, problems } = props;
  return (
    <>
      <div class="fields fields-three">
        <NumberField
          whole
          label="Turns"
          name="turns"
          hint="requests in each conversation"
          value={draft.workload.turns}
          path="workload.turns"
          problem={problems["workload.turns"]}
          onInput={(turns) => changeWorkload({ turns })}
        />
        <ThinkFields {...props} />
      </div>
      <Lengths {...props} hint="about, of each message" />
      <Words {...props} />
    </>
  );
}

function GivenConversations(props: FormProps) {
  const { draft, changeWorkload, problems } = props;
  const { conversations, conversationFile } = draft.workload;
  const problem = problems["workload.conversations"];
  return (
    <div class="stack">
      <FileDrop
        what="conversations"
        accept=".json, .jsonl"
        chosen={conversationFile && { name: conversationFile.name, n: conversationFile.items.length }}
        onText={(name, text) => changeWorkload({ conversationFile: { name, items: parseConversations(name, text) } })}
        onRemove={() => changeWorkload({ conversationFile: null })}
      />
      {conversationFile ? (
        problem && <p class="field-problem">{problem}</p>
      ) : (
        <AreaField
          mono
          rows={6}
          label="Conversations"
          name="conversations"
          placeholder='[[{"role": "user", "content": "Hello"}]]'
          hint="A JSON list of lists of messages. User messages are sent one by one; the server's own answers stand between them."
          value={conversations}
          path="workload.conversations"
          problem={problem}
          onInput={(text) => changeWorkload({ conversations: text })}
        />
      )}
      <div class="fields">
        <ThinkFields {...props} />
      </div>
    </div>
  );
}

function EmbeddingFields(props: FormProps) {
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
            accept={FILES}
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

function TraceFields(props: FormProps) {
  const { draft, change, changeWorkload, problems } = props;
  const { traceFile, workload } = draft;
  const requests = traceFile?.requests ?? null;
  return (
    <>
      <FileDrop
        what="requests"
        accept=".csv, .jsonl, .json"
        chosen={requests && traceFile && { name: traceFile.name, n: requests.length }}
        onText={(name, text) => {
          const file = parseTrace(name, text);
          if (!file.requests) throw new Error("says nothing about the lengths of requests");
          change({ traceFile: file });
        }}
        onRemove={() => change({ traceFile: null })}
      />
      {requests ? (
        problems["workload.requests"] && <p class="field-problem">{problems["workload.requests"]}</p>
      ) : (
        <AreaField
          mono
          rows={4}
          label="Recorded lengths"
          name="trace-requests"
          placeholder='[{"input_tokens": 512, "output_tokens": 64}]'
          hint="A JSON list, taken in turn; or a trace of Azure, BurstGPT or Mooncake above."
          value={workload.traceRequests}
          path="workload.requests"
          problem={problems["workload.requests"]}
          onInput={(traceRequests) => changeWorkload({ traceRequests })}
        />
      )}
      <div class="fields">
        <NumberField
          whole
          label="Block"
          unit="tokens"
          name="block-tokens"
          placeholder="512"
          hint="of traces that name prefix blocks"
          value={workload.blockTokens}
          path="workload.block_tokens"
          problem={problems["workload.block_tokens"]}
          onInput={(blockTokens) => changeWorkload({ blockTokens })}
        />
      </div>
      <Words {...props} />
    </>
  );
}
