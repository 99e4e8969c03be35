import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { deleteProvider, listProviders, testProvider } from "../../api/endpoints";
import type { Provider, ProviderHealth } from "../../api/types";
import { may } from "../../app/session";
import { Badge, type Tone } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import type { IconName } from "../../ui/icons";
import { duration } from "../../ui/numbers";
import { PageHead } from "../../ui/Panel";
import { Failure, Loading, Message, Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";
import { ProviderDialog } from "./ProviderDialog";
import "../../ui/table.css";
import "./providers.css";

type Open = { what: "add" } | { what: "edit" | "delete"; provider: Provider } | null;

export function ProvidersPage() {
  const providers = useLoad("providers", async (signal) => (await listProviders(null, signal)).items);
  const [open, setOpen] = useState<Open>(null);
  const items = providers.data.value;
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
        </Message>
      )}
      {items && items.length > 0 && <ProviderTable providers={items} onOpen={setOpen} />}
      {(open?.what === "add" || open?.what === "edit") && (
        <ProviderDialog
          provider={open.what === "edit" ? open.provider : null}
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
    <div class="table-frame">
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
          {providers.map((provider) => (
            <ProviderRow key={provider.id} provider={provider} onOpen={onOpen} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ProviderRow({ provider, onOpen }: { provider: Provider; onOpen: (open: Open) => void }) {
  const health = useSignal<ProviderHealth | null>(null);
  const { busy, error, run } = useAction();
  const test = () =>
    run(async () => {
      health.value = await testProvider(provider.name);
    });
  return (
    <tr>
      <th scope="row" class="whole">
        <span>
          {provider.name} {!provider.is_enabled && <Badge tone="quiet" icon="minus" word="disabled" />}
        </span>
      </th>
      <td data-label="Kind">{provider.kind}</td>
      <td class="whole provider-address">
        <code>{provider.base_url}</code>
      </td>
      <td data-label="Default model">{provider.default_model ?? <span class="muted">none</span>}</td>
      <td data-label="Key">
        {provider.has_api_key ? (
          <Badge
            tone="ok"
            icon="check"
            word={provider.api_key_ref ? "by reference" : "stored"}
            title={provider.api_key_ref ?? undefined}
          />
        ) : (
          <Badge tone="quiet" icon="minus" word="none" />
        )}
      </td>
      <td class="whole provider-health" aria-live="polite">
        {busy.value ? (
          <span class="muted">
            <span class="spinner" aria-hidden="true" />
            Asking…
          </span>
        ) : error.value ? (
          <Badge tone="bad" icon="cross" word={error.value.message} title={error.value.requestId ?? undefined} />
        ) : health.value ? (
          <Health health={health.value} />
        ) : (
          <span class="muted">not tested</span>
        )}
      </td>
      <td class="right whole">
        <span class="row-actions">
          {may("provider.test") && (
            <Button kind="quiet" icon="pulse" busy={busy.value} onClick={() => void test()}>
              Test
            </Button>
          )}
          {may("provider.manage") && (
            <>
              <Button kind="quiet" onClick={() => onOpen({ what: "edit", provider })}>
                Edit
              </Button>
              <Button kind="quiet" onClick={() => onOpen({ what: "delete", provider })}>
                Delete
              </Button>
            </>
          )}
        </span>
      </td>
    </tr>
  );
}

const LOOKS: Record<ProviderHealth["status"], { tone: Tone; icon: IconName }> = {
  ok: { tone: "ok", icon: "check" },
  unreachable: { tone: "bad", icon: "cross" },
  unauthorized: { tone: "warn", icon: "alert" },
  error: { tone: "bad", icon: "cross" },
};

function Health({ health }: { health: ProviderHealth }) {
  return (
    <span class="health">
      <Badge {...LOOKS[health.status]} word={health.status} />
      {health.latency_ms !== null && <span class="number muted">{duration(health.latency_ms)}</span>}
      {health.status !== "ok" && health.message && <span class="muted health-message">{health.message}</span>}
    </span>
  );
}

function DeleteDialog({
  provider,
  onDeleted,
  onClose,
}: {
  provider: Provider;
  onDeleted: () => void;
  onClose: () => void;
}) {
  const { busy, error, run } = useAction();
  const remove = async () => {
    if (await run(() => deleteProvider(provider.name))) onDeleted();
  };
  return (
    <Confirm
      title={`Delete “${provider.name}”?`}
      action="Delete it"
      keep="Keep it"
      busy={busy.value}
      onConfirm={() => void remove()}
      onClose={onClose}
    >
      <p>The provider and its stored key are deleted. Benchmarks that used it keep their results.</p>
      {error.value && <Notice error={error.value} what="Not deleted." />}
    </Confirm>
  );
}
