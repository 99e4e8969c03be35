import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { allProviders, deleteProvider, testProvider } from "../../api/endpoints";
import type { Provider, ProviderHealth } from "../../api/types";
import { may } from "../../app/session";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { PageHead } from "../../ui/Panel";
import { Failure, Loading, Message, Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";
import { HealthView } from "./HealthView";
import { ModelsDialog } from "./ModelsDialog";
import { ProviderDialog } from "./ProviderDialog";
import "../../ui/table.css";
import "./providers.css";

type Open = { what: "add" } | { what: "edit" | "delete" | "models"; provider: Provider } | null;

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
      {open?.what === "models" && <ModelsDialog provider={open.provider} onClose={() => setOpen(null)} />}
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
  const test = (model?: string) =>
    run(async () => {
      health.value = await testProvider(provider.name, model);
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
          <HealthView health={health.value} hasKey={provider.has_api_key} />
        ) : (
          <span class="muted">not tested</span>
        )}
      </td>
      <td class="right whole">
        <span class="row-actions">
          <Button kind="quiet" onClick={() => onOpen({ what: "models", provider })}>
            Models
          </Button>
          {may("provider.test") && (
            <>
              <Button kind="quiet" icon="pulse" busy={busy.value} onClick={() => void test()}>
                Test
              </Button>
              {provider.default_model && (
                <Button
                  kind="quiet"
                  busy={busy.value}
                  title={`Asks ${provider.default_model} for a few tokens, which is paid for`}
                  onClick={() => void test(provider.default_model ?? undefined)}
                >
                  Try
                </Button>
              )}
            </>
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
