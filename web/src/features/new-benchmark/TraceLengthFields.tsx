import { AreaField, NumberField } from "../../ui/Field";
import { FileDrop } from "./FileDrop";
import type { FormProps } from "./form-props";
import { Words } from "./LengthFields";
import { parseTrace } from "./trace-files";

/** Lengths as they were recorded: out of a file, or typed in. */
export function TraceLengthFields(props: FormProps) {
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
