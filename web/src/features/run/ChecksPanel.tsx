import type { Budget, Maybe, Queueing, Summary, WindowedFigures, WorkloadFacts } from "../../api/summary";
import { Badge } from "../../ui/Badge";
import { count, dollars, duration, MISSING, significant } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { sentence } from "../../ui/states";
import { Fact } from "./Facts";

/** Whether the run hangs together: queueing, retries, what was asked, what it cost. */
export function ChecksPanel({ summary, figures }: { summary: Summary; figures: WindowedFigures }) {
  const { queueing, retried } = figures;
  const { workload, budget } = summary;
  const words = workload && describeWords(workload);
  const hasRetries = Boolean(retried && retried.requests > 0);
  if (!queueing && !retried && !words && !budget) return null;
  return (
    <Panel title="Checks" aside={queueing && <StableBadge queueing={queueing} />}>
      {queueing?.warning && <p class="certificate-reason">{sentence(queueing.warning)}</p>}
      {words && <p class="certificate-reason">{words}</p>}
      {budget?.stopped && (
        <p class="certificate-reason is-bad">The run was stopped because its cost reached the budget.</p>
      )}
      {budget?.note && <p class="certificate-reason">{sentence(budget.note)}</p>}
      <dl class="facts">
        {queueing && <QueueingFacts queueing={queueing} />}
        {retried && (
          <Fact
            name="Retried requests"
            value={hasRetries ? `${count(retried.requests)}, ${count(retried.attempts)} attempts` : "none"}
            title="Their latencies are kept apart from those of first tries"
          />
        )}
        {budget && <BudgetFacts budget={budget} />}
      </dl>
    </Panel>
  );
}

function StableBadge({ queueing }: { queueing: Queueing }) {
  if (queueing.is_stable == null) return null;
  return queueing.is_stable ? (
    <Badge tone="ok" icon="check" word="stable" title="Requests left as fast as they came" />
  ) : (
    <Badge tone="warn" icon="alert" word="not stable" title="Requests came faster than they left" />
  );
}

function QueueingFacts({ queueing }: { queueing: Queueing }) {
  const throughput = queueing.throughput_per_s;
  return (
    <>
      <Fact name="In flight, mean" value={significant(queueing.in_flight_mean)} />
      <Fact name="Throughput" value={throughput == null ? MISSING : `${significant(throughput)} req/s`} />
      <Fact name="Time in system, mean" value={duration(queueing.time_in_system_mean_ms)} />
      <Fact
        name="Little's law"
        value={queueing.little_ratio == null ? MISSING : `${significant(queueing.little_ratio)} of 1`}
        title="In flight ÷ (throughput × time in system): 1 while requests leave as fast as they come"
      />
    </>
  );
}

function BudgetFacts({ budget }: { budget: Budget }) {
  return (
    <>
      <Fact
        name="Cost of the budget"
        value={`${dollars(budget.spent_usd)} of ${budget.limit_usd == null ? "no limit" : dollars(budget.limit_usd)}`}
      />
      <Fact
        name="Estimate before the run"
        value={dollars(budget.estimate_usd)}
        title="From the prices of the model and the tokens that were planned"
      />
    </>
  );
}

const SOURCES: Record<string, (facts: WorkloadFacts) => string> = {
  usage: ({ probe_requests: n }) =>
    `found out from the server's own usage${n ? ` with ${count(n)} short ${n === 1 ? "request" : "requests"}` : ""}`,
  given: () => "as given in the spec",
  assumed: () => "assumed, as the server reported no usage",
  mixed: () => "from several sources",
};

/** How prompts came to their length, and how unlike each other they are. */
export function describeWords(facts: Maybe<WorkloadFacts>): string | null {
  if (!facts) return null;
  const parts: string[] = [];
  if (facts.words_per_token != null) {
    const source = SOURCES[facts.source ?? ""]?.(facts) ?? facts.source;
    parts.push(`Made-up text has ${significant(facts.words_per_token)} words per token${source ? `, ${source}` : ""}.`);
  }
  if (facts.uniqueness) parts.push(sentence(facts.uniqueness));
  return parts.length > 0 ? parts.join(" ") : null;
}
