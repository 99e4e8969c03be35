import { useEffect } from "preact/hooks";
import { listAlerts } from "../../api/admin";
import type { Alert } from "../../api/types";
import { live } from "../../live";
import { Badge } from "../../ui/Badge";
import { Moment } from "../../ui/Moment";
import { Panel } from "../../ui/Panel";
import { Failure, Loading, Notice, sentence } from "../../ui/states";
import { exact } from "../../ui/times";
import { useLoad } from "../../ui/useLoad";

const SHOWN_PAST = 8;

/** What wants attention now, and what did lately. */
export function AlertsPanel() {
  const alerts = useLoad("alerts", listAlerts);
  useEffect(() => {
    const reload = () => alerts.reload();
    return live.subscribe({ topics: ["alert.*"], onEvent: reload, onResume: reload });
  }, []);
  const found = alerts.data.value;
  return (
    <Panel
      title="Alerts"
      aside={
        found && (
          <span title={`This server knows of none from before its start, ${exact(found.since)}`}>
            since <Moment at={found.since} />
          </span>
        )
      }
    >
      {!found && alerts.error.value && <Failure error={alerts.error.value} what="the alerts" retry={alerts.reload} />}
      {!found && !alerts.error.value && <Loading what="alerts" />}
      {found && alerts.error.value && <Notice error={alerts.error.value} what="Not up to date." />}
      {found && (
        <div class="alerts">
          {found.has_gap && (
            <p class="muted">This server was cut off from the others for a while: an alert may be missing or over.</p>
          )}
          {found.open.length === 0 ? (
            <p>
              <Badge tone="ok" icon="check" word="nothing wants attention" />
            </p>
          ) : (
            <ul>
              {found.open.map((alert) => (
                <AlertRow key={alert.key} alert={alert} />
              ))}
            </ul>
          )}
          {found.past.length > 0 && (
            <details open={found.open.length === 0}>
              <summary>Before that</summary>
              <ul>
                {found.past.slice(0, SHOWN_PAST).map((alert) => (
                  <AlertRow key={`${alert.key} ${alert.raised_at}`} alert={alert} isPast />
                ))}
              </ul>
            </details>
          )}
        </div>
      )}
    </Panel>
  );
}

function AlertRow({ alert, isPast }: { alert: Alert; isPast?: boolean }) {
  const tone = isPast ? "quiet" : alert.severity === "critical" ? "bad" : "warn";
  return (
    <li class="alert-row">
      <Badge tone={tone} icon="alert" word={alert.resolved_at ? "over" : alert.severity} />
      <span>
        {alert.benchmark_id ? (
          <a href={`/benchmarks/${alert.benchmark_id}`}>{sentence(alert.message)}</a>
        ) : (
          sentence(alert.message)
        )}{" "}
        <span class="muted">
          <Moment at={alert.raised_at} />
          {alert.resolved_at && (
            <>
              , over <Moment at={alert.resolved_at} />
            </>
          )}
        </span>
      </span>
    </li>
  );
}
