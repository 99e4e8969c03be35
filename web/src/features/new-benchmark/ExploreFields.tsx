/** Several levels of load in one benchmark. */

import type { LatencyMetric } from "../../api/types";
import { Button } from "../../ui/Button";
import { METRIC_NAMES } from "../../ui/describe";
import { Choice, NumberField, SelectField, TextField } from "../../ui/Field";
import type { CriterionDraft, ExploreDraft } from "./draft";
import type { FormProps } from "./form-props";
import { type Parameter, parameterOf } from "./spec-load";

const METRICS: LatencyMetric[] = [
  "ttft_ms",
  "ttfo_ms",
  "tpot_ms",
  "icl_ms",
  "e2e_ms",
  "stream_end_ms",
  "ttft_from_intended_ms",
  "e2e_from_intended_ms",
];
const MOST_CRITERIA = 16;

export function ExploreFields(props: FormProps) {
  const { draft, changeExplore } = props;
  const { explore, load } = draft;
  const parameter = parameterOf(load.kind);
  return (
    <>
      <Choice
        legend="Levels of load"
        value={explore.kind}
        onInput={(kind) => changeExplore({ kind: kind as ExploreDraft["kind"] })}
        options={[
          { value: "none", label: "One level" },
          { value: "sweep", label: "Sweep" },
          { value: "search", label: "Search" },
        ]}
      />
      {explore.kind === "none" && (
        <p class="muted">
          A sweep measures several levels one after another; a search finds the highest that keeps its limits.
        </p>
      )}
      {explore.kind !== "none" && parameter === null && (
        <p class="field-problem" role="status">
          This load has no level that could be varied: choose users, a constant rate, Poisson or bursty above.
        </p>
      )}
      {explore.kind === "sweep" && parameter !== null && <SweepFields {...props} parameter={parameter} />}
      {explore.kind === "search" && parameter !== null && <SearchFields {...props} parameter={parameter} />}
      {props.problems.explore && (
        <p class="field-problem" role="alert">
          {props.problems.explore}
        </p>
      )}
    </>
  );
}

function unitOf(parameter: Parameter): string {
  return parameter === "rate" ? "req/s" : "users";
}

function SweepFields({ draft, changeExplore, problems, parameter }: FormProps & { parameter: Parameter }) {
  return (
    <TextField
      mono
      label="Levels"
      unit={unitOf(parameter)}
      name="sweep-values"
      hint="in this order, separated by commas; the stop rule holds for each"
      value={draft.explore.values}
      path="explore.values"
      problem={problems["explore.values"]}
      onInput={(values) => changeExplore({ values })}
    />
  );
}

function SearchFields(props: FormProps & { parameter: Parameter }) {
  const { draft, changeExplore, problems, parameter } = props;
  const { explore } = draft;
  return (
    <>
      <div class="fields">
        <NumberField
          whole={parameter === "concurrency"}
          label="From"
          unit={unitOf(parameter)}
          name="search-minimum"
          hint="tried first"
          value={explore.minimum}
          path="explore.minimum"
          problem={problems["explore.minimum"]}
          onInput={(minimum) => changeExplore({ minimum })}
        />
        <NumberField
          whole={parameter === "concurrency"}
          label="Up to"
          unit={unitOf(parameter)}
          name="search-maximum"
          value={explore.maximum}
          path="explore.maximum"
          problem={problems["explore.maximum"]}
          onInput={(maximum) => changeExplore({ maximum })}
        />
      </div>
      <CriterionRows {...props} />
      <div class="fields fields-four">
        <NumberField
          label="Errors at most"
          unit="%"
          name="max-error-rate"
          placeholder="any"
          value={explore.maxErrorPercent}
          path="explore.max_error_rate"
          problem={problems["explore.max_error_rate"]}
          onInput={(maxErrorPercent) => changeExplore({ maxErrorPercent })}
        />
        <NumberField
          label="Confidence"
          unit="%"
          name="confidence"
          placeholder="95"
          value={explore.confidencePercent}
          path="explore.confidence"
          problem={problems["explore.confidence"]}
          onInput={(confidencePercent) => changeExplore({ confidencePercent })}
        />
        <NumberField
          label="Tolerance"
          unit="%"
          name="tolerance"
          placeholder="5"
          value={explore.tolerancePercent}
          path="explore.tolerance"
          problem={problems["explore.tolerance"]}
          onInput={(tolerancePercent) => changeExplore({ tolerancePercent })}
        />
        <NumberField
          whole
          label="Levels at most"
          name="max-points"
          placeholder="16"
          value={explore.maxPoints}
          path="explore.max_points"
          problem={problems["explore.max_points"]}
          onInput={(maxPoints) => changeExplore({ maxPoints })}
        />
      </div>
    </>
  );
}

function CriterionRows({ draft, changeExplore, problems }: FormProps) {
  const { criteria } = draft.explore;
  const set = (index: number, part: Partial<CriterionDraft>) =>
    changeExplore({
      criteria: criteria.map((criterion, position) => (position === index ? { ...criterion, ...part } : criterion)),
    });
  return (
    <div class="steps">
      {criteria.map((criterion, index) => (
        <div key={index} class="criterion-row">
          <SelectField
            label={`Limit ${index + 1} on`}
            name={`criterion-metric-${index}`}
            value={criterion.metric}
            path={`explore.criteria.${index}.metric`}
            problem={problems[`explore.criteria.${index}.metric`]}
            onInput={(metric) => set(index, { metric: metric as LatencyMetric })}
            options={METRICS.map((metric) => ({ value: metric, label: nameOf(metric) }))}
          />
          <NumberField
            label={`Percentile ${index + 1}`}
            name={`criterion-percentile-${index}`}
            placeholder="95"
            value={criterion.percentile}
            path={`explore.criteria.${index}.percentile`}
            problem={problems[`explore.criteria.${index}.percentile`]}
            onInput={(percentile) => set(index, { percentile })}
          />
          <NumberField
            label={`At most ${index + 1}`}
            unit="ms"
            name={`criterion-limit-${index}`}
            value={criterion.limitMs}
            path={`explore.criteria.${index}.limit_ms`}
            problem={problems[`explore.criteria.${index}.limit_ms`]}
            onInput={(limitMs) => set(index, { limitMs })}
          />
          <Button
            kind="quiet"
            icon="cross"
            title="Remove this limit"
            onClick={() => changeExplore({ criteria: criteria.filter((_, position) => position !== index) })}
          >
            <span class="visually-hidden">Remove limit {index + 1}</span>
          </Button>
        </div>
      ))}
      {problems["explore.criteria"] && <p class="field-problem">{problems["explore.criteria"]}</p>}
      {criteria.length < MOST_CRITERIA && (
        <div>
          <Button
            icon="plus"
            onClick={() =>
              changeExplore({ criteria: [...criteria, { metric: "tpot_ms", percentile: "95", limitMs: "50" }] })
            }
          >
            Add a limit
          </Button>
        </div>
      )}
    </div>
  );
}

function nameOf(metric: LatencyMetric): string {
  const plain = METRIC_NAMES[metric.replace("_from_intended", "")] ?? metric;
  return metric.includes("_from_intended") ? `${plain}, from the intended start` : plain;
}
