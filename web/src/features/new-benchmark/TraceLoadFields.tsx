import { AreaField, NumberField } from "../../ui/Field";
import { FileDrop } from "./FileDrop";
import type { FormProps } from "./form-props";
import { parseTrace } from "./trace-files";

/** Start times as they were recorded: out of a file, or typed in. */
export function TraceLoadFields({ draft, change, changeLoad, problems }: FormProps) {
  const { load, traceFile } = draft;
  return (
    <>
      <div class="field-wide">
        <FileDrop
          what="requests"
          accept=".csv, .jsonl, .json"
          chosen={traceFile && { name: traceFile.name, n: traceFile.atSeconds.length }}
          onText={(name, text) => change({ traceFile: parseTrace(name, text) })}
          onRemove={() => change({ traceFile: null })}
        />
      </div>
      {traceFile && problems["load.at_seconds"] && (
        <p class="field-problem field-wide">{problems["load.at_seconds"]}</p>
      )}
      {!traceFile && (
        <AreaField
          wide
          mono
          rows={2}
          label="Start times"
          unit="s"
          name="at-seconds"
          placeholder="0, 0.4, 1.25"
          hint="from the start, ascending; or a trace of Azure, BurstGPT or Mooncake above"
          value={load.atSeconds}
          path="load.at_seconds"
          problem={problems["load.at_seconds"]}
          onInput={(atSeconds) => changeLoad({ atSeconds })}
        />
      )}
      <NumberField
        label="Speed"
        unit="×"
        name="speed"
        placeholder="1"
        hint="2 replays in half the time"
        value={load.speed}
        path="load.speed"
        problem={problems["load.speed"]}
        onInput={(speed) => changeLoad({ speed })}
      />
    </>
  );
}
