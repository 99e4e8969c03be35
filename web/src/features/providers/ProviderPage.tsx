import { useState } from "preact/hooks";
import { getProvider, listChecks, listKinds } from "../../api/endpoints";
import type { Provider } from "../../api/types";
import { navigate } from "../../app/router";
import { may } from "../../app/session";
import { Badge } from "../../ui/Badge";
import { LinkButton } from "../../ui/Button";
import { Moment } from "../../ui/Moment";
import { count } from "../../ui/numbers";
import { PageHead, Panel } from "../../ui/Panel";
import { Failure, Loading, Notice } from "../../ui/states";
import { type Load, useLoad } from "../../ui/useLoad";
import { DeleteDialog } from "./DeleteDialog";
import { HealthPanel } from "./HealthPanel";
import { HealthView } from "./HealthView";
import { KeyBadge } from "./KeyBadge";
import { ModelsPanel } from "./ModelsPanel";
import { ProviderButtons } from "./ProviderButtons";
import { ProviderDialog } from "./ProviderDialog";
import { RunsPanel } from "./RunsPanel";
import { useTest } from "./useTest";
import "./providers.css";

const CHECKS = 50;

/** One provider: how it is reached, how it is and was, what it did under load, its models and their prices. */
export function ProviderPage({ id: name }: { id: string }) {
  const load = useLoad(name, (signal) => getProvider(name, signal));
  const provider = load.data.value;
  const crumb = <a href="/providers">Providers</a>;
  if (provider) return <Shown key={provider.id} load={load} provider={provider} />;
  const error = load.error.value;
  return (
    <>
      <PageHead crumb={crumb} title={name} />
      {error ? <Failure error={error} what="the provider" retry={load.reload} /> : <Loading what="the provider" />}
    </>
  );
}

function Shown({ load, provider }: { load: Load<Provider>; provider: Provider }) {
  const [open, setOpen] = useState<"edit" | "delete" | null>(null);
  const checks = useLoad(provider.name, (signal) => listChecks(provider.name, CHECKS, signal));
  const test = useTest(provider.name, checks.reload);
  const { health, busy, error } = test;
  return (
    <>
      <PageHead
        crumb={<a href="/providers">Providers</a>}
        title={provider.name}
        status={!provider.is_enabled && <Badge tone="quiet" icon="minus" word="disabled" />}
        actions={
          <>
            {may("benchmark.create") && provider.is_enabled && (
              <LinkButton href={`/benchmarks/new?provider=${encodeURIComponent(provider.name)}`} icon="play">
                Benchmark it
              </LinkButton>
            )}
            <ProviderButtons
              provider={provider}
              test={test}
              kind="plain"
              onEdit={() => setOpen("edit")}
              onDelete={() => setOpen("delete")}
            />
          </>
        }
      />
      {load.error.value && <Notice error={load.error.value} what="This may not be up to date." />}
      <div class="provider-page">
        <p class="provider-told" role="status">
          {busy.value ? (
            <span class="muted">
              <span class="spinner" aria-hidden="true" />
              Asking…
            </span>
          ) : (
            health.value && !error.value && <HealthView health={health.value} hasKey={provider.has_api_key} />
          )}
        </p>
        {error.value && <Notice error={error.value} what="Not tested." />}
        <Endpoint provider={provider} />
        <HealthPanel checks={checks} />
        {may("benchmark.read") && <RunsPanel name={provider.name} />}
        <ModelsPanel provider={provider} />
      </div>
      {open === "edit" && (
        <EditDialog
          provider={provider}
          onSaved={() => {
            setOpen(null);
            load.reload();
          }}
          onClose={() => setOpen(null)}
        />
      )}
      {open === "delete" && (
        <DeleteDialog provider={provider} onDeleted={() => navigate("/providers")} onClose={() => setOpen(null)} />
      )}
    </>
  );
}

interface EditProps {
  provider: Provider;
  onSaved: () => void;
  onClose: () => void;
}

/** Opens at once, and tells of the kinds when they have come. */
function EditDialog(props: EditProps) {
  const kinds = useLoad("kinds", listKinds);
  return <ProviderDialog {...props} kinds={kinds.data.value ?? []} />;
}

function Endpoint({ provider }: { provider: Provider }) {
  const headers = Object.keys(provider.options.headers ?? {});
  return (
    <Panel title="Endpoint">
      <dl class="provider-facts">
        <Fact name="Kind">{provider.kind}</Fact>
        <Fact name="Address">
          <code>{provider.base_url}</code>
        </Fact>
        <Fact name="Key">
          <KeyBadge provider={provider} />
        </Fact>
        <Fact name="Default model">{provider.default_model ?? <span class="muted">none</span>}</Fact>
        <Fact name="Further headers">
          {headers.length > 0 ? <code>{headers.join(", ")}</code> : <span class="muted">none</span>}
        </Fact>
        <Fact name="TLS certificate">
          {provider.options.verify_tls === false ? (
            <Badge tone="warn" icon="alert" word="not checked" />
          ) : (
            <span>checked</span>
          )}
        </Fact>
        {provider.definition && (
          <Fact name="Definition">{count(JSON.stringify(provider.definition).length)} characters of JSON</Fact>
        )}
        <Fact name="Changed">
          <Moment at={provider.updated_at} />
        </Fact>
      </dl>
    </Panel>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
