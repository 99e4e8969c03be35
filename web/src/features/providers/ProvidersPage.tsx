import { useState } from "preact/hooks";
import { allProviders, listChecks } from "../../api/endpoints";
import type { Provider, ProviderCheck } from "../../api/types";
import { may } from "../../app/session";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Moment } from "../../ui/Moment";
import { PageHead } from "../../ui/Panel";
import { Failure, Loading, Message, Notice } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { useLoad } from "../../ui/useLoad";
import { DeleteDialog } from "./DeleteDialog";
import { HealthStrip } from "./HealthStrip";
import { HealthView, STATUSES } from "./HealthView";
import { KeyBadge } from "./KeyBadge";
import { ProviderButtons } from "./ProviderButtons";
import { ProviderDialog } from "./ProviderDialog";
import { useTest } from "./useTest";
import "../../ui/table.css";
import "./providers.css";

type Open = { what: "add" } | { what: "edit" | "delete"; provider: Provider } | null;

interface RowProps {
  provider: Provider;
  /** Whether to ask how its checks went. */
  withChecks: boolean;
  onOpen: (open: Open) => void;
}

// As many checks as a cell has room for, and of no more providers: each is a request of its own.
const STRIP = 16;
const MOST_STRIPS = 40;

export function ProvidersPage() {
  const providers = useLoad("providers", allProviders);
  const [open, setOpen] = useState<Open>(null);
  const items = providers.data.value?.items;
  const add = may("provider.manage") && (
    <Button kind="primary" icon="plus" onClick={() => setOpen({ what: "add" })}>
      Add provider
    </Button>
  );
  const saved = () => {
    setOpen(null);
    providers.reload();
  };
  return (
    <>
      <PageHead title="Providers" actions={items && items.length > 0 && add} />
      {!items && providers.error.value && (
        <Failure error={providers.error.value} what="the providers" retry={providers.reload} />
      )}
      {!items && !providers.error.value && <Loading what="providers" />}
      {items && providers.error.value && <Notice error={providers.error.value} what="The list is not up to date." />}
      {items?.length === 0 && (
        <Message icon="pulse" title="No providers yet" action={add}>
          <p>
            A provider is an endpoint that answers chat requests, and the key for it. Benchmarks are run against
            providers.
          </p>
          {!add && <p>You may look at providers. An administrator adds them.</p>}
        </Message>
      )}
      {items && items.length > 0 && <ProviderTable providers={items} onOpen={setOpen} />}
      {items && items.length > 0 && !add && (
        <p class="muted providers-note">You may look at providers. An administrator adds and changes them.</p>
      )}
      {(open?.what === "add" || open?.what === "edit") && (
        <ProviderDialog
          provider={open.what === "edit" ? open.provider : null}
          kinds={providers.data.value?.kinds ?? []}
          onSaved={saved}
          onClose={() => setOpen(null)}
        />
      )}
      {open?.what === "delete" && (
        <DeleteDialog provider={open.provider} onDeleted={saved} onClose={() => setOpen(null)} />
      )}
    </>
  );
}

function ProviderTable({ providers, onOpen }: { providers: readonly Provider[]; onOpen: (open: Open) => void }) {
  return (
    <TableFrame label="Providers">
      <table class="table cards provider-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Kind</th>
            <th scope="col">Address</th>
            <th scope="col">Default model</th>
            <th scope="col">Key</th>
            <th scope="col">Health</th>
            <th scope="col">
              <span class="visually-hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {providers.map((provider, number) => (
            <ProviderRow key={provider.id} provider={provider} withChecks={number < MOST_STRIPS} onOpen={onOpen} />
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function ProviderRow({ provider, withChecks, onOpen }: RowProps) {
  const checks = useLoad(`${provider.name} ${withChecks}`, (signal) =>
    withChecks ? listChecks(provider.name, STRIP, signal) : Promise.resolve({ checks: [] }),
  );
  const test = useTest(provider.name, checks.reload);
  const { health, busy, error } = test;
  const kept = checks.data.value?.checks ?? [];
  return (
    <tr>
      <th scope="row" class="whole">
        <span>
          <a href={`/providers/${encodeURIComponent(provider.name)}`}>{provider.name}</a>{" "}
          {!provider.is_enabled && <Badge tone="quiet" icon="minus" word="disabled" />}
        </span>
      </th>
      <td data-label="Kind">{provider.kind}</td>
      <td class="whole provider-address">
        <code>{provider.base_url}</code>
      </td>
      <td data-label="Default model" class="provider-model">
        {provider.default_model ?? <span class="muted">none</span>}
      </td>
      <td data-label="Key">
        <KeyBadge provider={provider} />
      </td>
      <td class="whole provider-health" aria-live="polite">
        <HealthStrip checks={kept} />
        {busy.value ? (
          <span class="muted">
            <span class="spinner" aria-hidden="true" />
            Asking…
          </span>
        ) : error.value ? (
          <Badge tone="bad" icon="cross" word={error.value.message} title={error.value.requestId ?? undefined} />
        ) : health.value ? (
          <HealthView health={health.value} hasKey={provider.has_api_key} />
        ) : (
          checks.data.value && <LastCheck check={kept[0]} />
        )}
      </td>
      <td class="right whole">
        <span class="row-actions">
          <ProviderButtons
            provider={provider}
            test={test}
            kind="quiet"
            onEdit={() => onOpen({ what: "edit", provider })}
            onDelete={() => onOpen({ what: "delete", provider })}
          />
        </span>
      </td>
    </tr>
  );
}

function LastCheck({ check }: { check: ProviderCheck | undefined }) {
  if (!check) return <span class="muted">not tested</span>;
  return (
    <span class="health">
      <Badge {...STATUSES[check.status]} word={check.status} title={check.message} />
      <span class="muted">
        <Moment at={check.checked_at} />
      </span>
    </span>
  );
}
