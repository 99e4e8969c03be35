/** What the benchmark amounts to before it is started: requests, time, tokens, cost. */

import type { ExpectedRange, SpecCheck } from "../../api/types";
import { describeSpan } from "../../ui/describe";
import { Icon } from "../../ui/icons";
import { dollars, MISSING } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import type { Validation } from "./useValidation";

const compactCount = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** `120`, `80–120`, `≥ 8`, or the words for what is not known. */
export function between(range: ExpectedRange, write: (value: number) => string, unknown = MISSING): string {
  if (range.high === null || range.high === undefined) return range.low > 0 ? `≥ ${write(range.low)}` : unknown;
  const [low, high] = [write(range.low), write(range.high)];
  return low === high ? high : `${low}–${high}`;
}

export function costText(plan: SpecCheck): string {
  if (!plan.cost) return "unknown";
  return between(plan.cost, dollars, "unknown");
}

const counted = (value: number) =>
  value < 10_000 ? Math.round(value).toLocaleString("en-US") : compactCount.format(value);
const timed = (range: ExpectedRange) =>
  range.high != null && range.low === 0 && range.high > 0
    ? `≤ ${describeSpan(range.high)}`
    : between(range, describeSpan, "open");

export function Estimate({ validation }: { validation: Validation }) {
  const plan = validation.answer?.plan ?? null;
  return (
    <Panel title="Before it starts" aside={<State validation={validation} />}>
      <div class="estimate" aria-live="polite">
        <dl>
          <Row label="Requests" value={plan ? between(plan.requests, counted) : MISSING} />
          <Row label="Duration" value={plan ? timed(plan.duration_seconds) : MISSING} title={plan?.duration_note} />
          <Row label="Most in flight" value={plan ? inFlight(plan) : MISSING} />
          <Row label="Input tokens" value={plan ? between(plan.input_tokens, counted) : MISSING} />
          <Row label="Output tokens" value={plan ? between(plan.output_tokens, counted) : MISSING} />
          <Row label="Cost" value={plan ? costText(plan) : MISSING} strong />
        </dl>
        {plan?.costs.map((cost) => (
          <p class="muted" key={`${cost.provider}/${cost.model}`}>
            {cost.price ? (
              <>
                {plan.costs.length > 1 && <strong>{cost.model}: </strong>}
                <span class="number">{price(cost.price.input)}</span> in,{" "}
                <span class="number">{price(cost.price.output)}</span> out per million tokens ({cost.price.source}
                {cost.price.as_of && `, as of ${cost.price.as_of}`})
              </>
            ) : (
              <>
                The price of <strong>{cost.model}</strong> at {cost.provider} is unknown.
              </>
            )}
          </p>
        ))}
        {plan && plan.warnings.length > 0 && (
          <ul class="estimate-warnings">
            {plan.warnings.map((warning) => (
              <li key={warning.path + warning.message}>
                <Icon name="alert" />
                <span>{sentence(warning.message)}</span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Panel>
  );
}

/** The same in one line, at the foot of a phone. */
export function EstimateBar({ validation }: { validation: Validation }) {
  const plan = validation.answer?.plan ?? null;
  return (
    <div class="estimate-bar" aria-hidden="true">
      <span>
        <span class="number">{plan ? between(plan.requests, counted) : MISSING}</span> requests
      </span>
      <span class="number">{plan ? timed(plan.duration_seconds) : MISSING}</span>
      <span>
        cost <strong class="number">{plan ? costText(plan) : MISSING}</strong>
      </span>
    </div>
  );
}

function Row({
  label,
  value,
  title,
  strong,
}: {
  label: string;
  value: string;
  title?: string | null;
  strong?: boolean;
}) {
  return (
    <div class={strong ? "estimate-strong" : undefined} title={title ?? undefined}>
      <dt>{label}</dt>
      <dd class="number">{value}</dd>
    </div>
  );
}

function State({ validation }: { validation: Validation }) {
  if (validation.error) return <span class="muted">could not be checked</span>;
  if (validation.isPending) return <span class="muted">checking…</span>;
  return <span class="muted">{validation.answer?.is_valid ? "ready to start" : "not complete yet"}</span>;
}

function inFlight(plan: SpecCheck): string {
  const most = plan.peak_in_flight.toLocaleString("en-US");
  return plan.peak_users == null ? `cap ${most}` : most;
}

function price(value: string | number | null | undefined): string {
  return value == null ? MISSING : `$${Number(value)}`;
}

function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}
