import { allProviders, getBenchmark, listPresets } from "../../api/endpoints";
import type { Preset, Provider } from "../../api/types";
import { query } from "../../app/router";
import { may } from "../../app/session";
import { LinkButton } from "../../ui/Button";
import { PageHead } from "../../ui/Panel";
import { Failure, Loading, Message } from "../../ui/states";
import { useLoad } from "../../ui/useLoad";
import { Form } from "./Form";
import "./new-benchmark.css";
import "./estimate.css";
import "./presets.css";

interface Loaded {
  providers: Provider[];
  presets: Preset[];
  /** The run to duplicate. */
  from: { id: string; name: string; spec: unknown } | null;
}

export function NewBenchmarkPage() {
  const from = query.value.get("from");
  const loaded = useLoad(from ?? "", (signal) => load(from, signal));
  return (
    <>
      <PageHead crumb={<a href="/">Benchmarks</a>} title="New benchmark" />
      <Body
        isAllowed={may("benchmark.create")}
        loaded={loaded.data.value}
        failure={
          loaded.error.value && (
            <Failure
              error={loaded.error.value}
              what={from ? "the run to duplicate" : "the form"}
              retry={loaded.reload}
            />
          )
        }
      />
    </>
  );
}

async function load(from: string | null, signal: AbortSignal): Promise<Loaded> {
  const [providers, presets, run] = await Promise.all([
    allProviders(signal),
    listPresets(signal),
    from ? getBenchmark(from, signal) : null,
  ]);
  return { providers: providers.items, presets: presets.presets, from: run };
}

interface BodyProps {
  isAllowed: boolean;
  loaded: Loaded | null;
  failure: preact.ComponentChild;
}

function Body({ isAllowed, loaded, failure }: BodyProps) {
  if (!isAllowed) {
    return (
      <Message icon="alert" title="You may not start benchmarks">
        <p>
          This needs the permission <code>benchmark.create</code>. An administrator can give it to you.
        </p>
      </Message>
    );
  }
  if (!loaded) return failure || <Loading what="the form" />;
  if (loaded.providers.length === 0) {
    return (
      <Message
        icon="info"
        title="There is nothing to measure yet"
        action={
          <LinkButton href="/providers" kind="primary" icon="plus">
            Add a provider
          </LinkButton>
        }
      >
        <p>A provider is an endpoint that answers chat requests, and the key for it.</p>
      </Message>
    );
  }
  // Another run to duplicate is another form.
  return <Form key={loaded.from?.id ?? ""} {...loaded} />;
}
