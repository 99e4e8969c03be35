import type { ProviderCheck, ProviderChecks } from "../../api/types";
import { Badge } from "../../ui/Badge";
import { Moment } from "../../ui/Moment";
import { duration } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { Failure, Loading, Notice } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import type { Load } from "../../ui/useLoad";
import { HealthStrip, tally } from "./HealthStrip";
import { AUTH, STATUSES } from "./HealthView";

const ROWS = 8;

/** How the provider's checks went, also those before the server's last start. */
export function HealthPanel({ checks }: { checks: Load<ProviderChecks> }) {
  const found = checks.data.value?.checks;
  return (
    <Panel title="Health" flush aside={found && found.length > 0 && `last ${found.length} checks: ${tally(found)}`}>
      {!found && checks.error.value && <Failure error={checks.error.value} what="the checks" retry={checks.reload} />}
      {!found && !checks.error.value && <Loading what="checks" />}
      {found && checks.error.value && <Notice error={checks.error.value} what="Not up to date." />}
      {found?.length === 0 && (
        <p class="panel-note muted">
          Nobody has checked it yet. A check asks for its list of models, which is free; each is kept here.
        </p>
      )}
      {found && found.length > 0 && (
        <>
          <p class="panel-note">
            <HealthStrip checks={found} />
          </p>
          <TableFrame label="Checks">
            <table class="table cards check-table">
              <thead>
                <tr>
                  <th scope="col">When</th>
                  <th scope="col">How</th>
                  <th scope="col">Key</th>
                  <th scope="col" class="right">
                    Answered in
                  </th>
                  <th scope="col">What it said</th>
                  <th scope="col">Asked by</th>
                </tr>
              </thead>
              <tbody>
                {found.slice(0, ROWS).map((check) => (
                  <Row key={check.checked_at} check={check} />
                ))}
              </tbody>
            </table>
          </TableFrame>
        </>
      )}
    </Panel>
  );
}

function Row({ check }: { check: ProviderCheck }) {
  return (
    <tr>
      <th scope="row">
        <Moment at={check.checked_at} />
      </th>
      <td data-label="How">
        <Badge {...STATUSES[check.status]} word={check.status} />
      </td>
      <td data-label="Key">
        <Badge {...AUTH[check.auth]} />
      </td>
      <td data-label="Answered in" class="right number">
        {duration(check.latency_ms)}
      </td>
      <td class="whole muted check-message">{check.message}</td>
      <td data-label="Asked by">{check.checked_by}</td>
    </tr>
  );
}
