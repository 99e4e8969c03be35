import type { BenchmarkSpec } from "../../api/types";
import { endsByItself } from "../../ui/describe";
import { NumberField } from "../../ui/Field";
import type { FormProps } from "./form-props";

/** Until when requests start. */
export function StopFields({ draft, change, problems, spec }: FormProps & { spec: BenchmarkSpec }) {
  const isOptional = endsByItself(spec.load);
  return (
    <div class="fields">
      <NumberField
        whole
        label="Requests"
        name="requests"
        hint={spec.explore ? "per target and level" : "per target"}
        placeholder={isOptional ? "all" : undefined}
        value={draft.requests}
        path="stop.requests"
        problem={problems["stop.requests"]}
        onInput={(requests) => change({ requests })}
      />
      <NumberField
        label="Duration"
        unit="s"
        name="duration"
        hint={isOptional ? "The load ends by itself; this may end it sooner." : "no request starts after it"}
        value={draft.durationSeconds}
        path="stop.duration_seconds"
        problem={problems["stop.duration_seconds"]}
        onInput={(durationSeconds) => change({ durationSeconds })}
      />
    </div>
  );
}
