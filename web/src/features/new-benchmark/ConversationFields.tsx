/** Conversations: made up, or given. */

import { AreaField, NumberField, SelectField } from "../../ui/Field";
import type { WorkloadDraft } from "./draft";
import { FileDrop } from "./FileDrop";
import type { FormProps } from "./form-props";
import { Lengths, Words } from "./LengthFields";
import { parseConversations } from "./prompt-files";

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

export function ConversationFields(props: FormProps) {
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

export function GivenConversations(props: FormProps) {
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
