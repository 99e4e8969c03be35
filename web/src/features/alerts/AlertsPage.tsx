import { useEffect } from "preact/hooks";
import { listAlerts } from "../../api/admin";
import type { Alert, Alerts } from "../../api/types";
import { query, setQuery } from "../../app/router";
import { may } from "../../app/session";
import { live } from "../../live";
import { Badge } from "../../ui/Badge";
import { Moment } from "../../ui/Moment";
import { count } from "../../ui/numbers";
import { PageHead, Panel } from "../../ui/Panel";
import { Failure, Loading, Notice, Remark, sentence } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { exact } from "../../ui/times";
import { useLoad } from "../../ui/useLoad";
import { aboutOf, KINDS, matching } from "./words";
import "../../ui/table.css";
import "./alerts.css";

// Several often come at once; one question serves them all.
const ASK_AFTER_EVENT_MS = 200;

/** What wants attention now, and what did since the server started. */
export function AlertsPage() {
  const alerts = useLoad("alerts", listAlerts);
  useEffect(() => {
    let soon: ReturnType<typeof setTimeout> | undefined;
    const ask = () => {
      clearTimeout(soon);
      soon = setTimeout(alerts.reload, ASK_AFTER_EVENT_MS);
    };
    // What is told of a benchmark goes with it.
    const topics = may("benchmark.read") ? ["alert.*", "benchmark.deleted"] : ["alert.*"];
    const stop = live.subscribe({ topics, onEvent: ask, onResume: ask });
    return () => {
      clearTimeout(soon);
      stop();
    };
  }, []);
  const found = alerts.data.value;
  return (
    <>
      <PageHead title="Alerts" status={found && <span class="muted number">{count(found.open.length)} open</span>} />
      {!found && alerts.error.value && <Failure error={alerts.error.value} what="the alerts" retry={alerts.reload} />}
      {!found && !alerts.error.value && <Loading what="alerts" />}
      {found && alerts.error.value && <Notice error={alerts.error.value} what="The alerts are not up to date." />}
      {found && <Shown alerts={found} />}
    </>
  );
}

function Shown({ alerts }: { alerts: Alerts }) {
  const text = query.value.get("q") ?? "";
  const open = matching(alerts.open, text);
  const past = matching(alerts.past, text);
  return (
    <div class="alerts-page">
      <search>
        <input
          type="search"
          aria-label="Search alerts"
          placeholder="Search alerts  ( / )"
          value={text}
          onInput={(event) => setQuery({ q: event.currentTarget.value || null })}
        />
      </search>
      {alerts.has_gap && (
        <Remark tone="warn">
          This server was cut off from the others for a while: an alert may be missing, or over already.
        </Remark>
      )}
      <Panel title="Open" flush>
        {open.length > 0 ? (
          <AlertTable alerts={open} label="Open alerts" />
        ) : (
          <p class="alerts-none">
            {alerts.open.length === 0 ? (
              <Badge tone="ok" icon="check" word="nothing wants attention" />
            ) : (
              <span class="muted">None of {count(alerts.open.length)} matches.</span>
            )}
          </p>
        )}
      </Panel>
      <Panel
        title="Before that"
        flush
        aside={
          <span title={exact(alerts.since)}>
            since this server started, <Moment at={alerts.since} />
          </span>
        }
      >
        {past.length > 0 ? (
          <AlertTable alerts={past} label="Past alerts" isPast />
        ) : (
          <p class="alerts-none muted">{alerts.past.length === 0 ? "Nothing yet." : "None matches."}</p>
        )}
      </Panel>
      <p class="muted alerts-memory">
        Alerts are kept in memory: this list starts anew with the server, and holds the last hundred that are over. What
        they are about stays where it belongs
        {may("benchmark.read") && (
          <>
            : <a href="/?verdict=suspect&verdict=client_bound">runs whose numbers are not trusted</a> in the list of
            benchmarks
          </>
        )}
        {may("provider.read") && (
          <>
            , checks of a provider on <a href="/providers">its page</a>
          </>
        )}
        . A disk that is still full is noticed again within a minute.
      </p>
    </div>
  );
}

interface TableProps {
  alerts: readonly Alert[];
  label: string;
  isPast?: boolean;
}

function AlertTable({ alerts, label, isPast }: TableProps) {
  return (
    <TableFrame label={label}>
      <table class="table cards alert-table" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">What</th>
            <th scope="col">About</th>
            <th scope="col">Raised</th>
            {isPast && <th scope="col">Over</th>}
          </tr>
        </thead>
        <tbody>
          {alerts.map((alert) => (
            <Row key={`${alert.key} ${alert.raised_at} ${alert.resolved_at}`} alert={alert} isPast={isPast} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function Row({ alert, isPast }: { alert: Alert; isPast?: boolean }) {
  const about = aboutOf(alert);
  const isLinked = about !== null && may(about.needs);
  const state = isPast && alert.resolved_at ? "over" : alert.severity;
  const tone = state === "over" ? "quiet" : alert.severity === "critical" ? "bad" : "warn";
  return (
    <tr>
      <td data-label="State">
        <Badge tone={tone} icon={state === "over" ? "check" : "alert"} word={state} />
      </td>
      <th scope="row" class="whole alert-message">
        {sentence(alert.message)}
      </th>
      <td data-label="About">
        {isLinked ? (
          <a href={about.href}>{about.words}</a>
        ) : (
          (about?.words ?? alert.instance ?? <span class="muted">{KINDS[alert.kind] ?? alert.kind}</span>)
        )}
      </td>
      <td data-label="Raised">
        <Moment at={alert.raised_at} />
      </td>
      {isPast && (
        <td data-label="Over">
          {alert.resolved_at ? <Moment at={alert.resolved_at} /> : <span class="muted">a fact, which stays</span>}
        </td>
      )}
    </tr>
  );
}
