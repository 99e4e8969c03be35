import { listProviders } from "../../api/endpoints";
import type { Provider } from "../../api/types";
import { may } from "../../app/session";
import { LinkButton } from "../../ui/Button";
import { PageHead } from "../../ui/Panel";
import { Failure, Loading, Message } from "../../ui/states";
import { useLoad } from "../../ui/useLoad";
import { Form } from "./Form";
import "./new-benchmark.css";

export function NewBenchmarkPage() {
  const providers = useLoad("providers", listProviderItems);
  return (
    <>
      <PageHead crumb={<a href="/">Benchmarks</a>} title="New benchmark" />
      <Body
        isAllowed={may("benchmark.create")}
        providers={providers.data.value}
        failure={
          providers.error.value && (
            <Failure error={providers.error.value} what="the providers" retry={providers.reload} />
          )
        }
      />
    </>
  );
}

async function listProviderItems(signal: AbortSignal): Promise<Provider[]> {
  return (await listProviders(null, signal)).items;
}

interface BodyProps {
  isAllowed: boolean;
  providers: Provider[] | null;
  failure: preact.ComponentChild;
}

function Body({ isAllowed, providers, failure }: BodyProps) {
  if (!isAllowed) {
    return (
      <Message icon="alert" title="You may not start benchmarks">
        <p>
          This needs the permission <code>benchmark.create</code>. An administrator can give it to you.
        </p>
      </Message>
    );
  }
  if (!providers) return failure || <Loading what="providers" />;
  if (providers.length === 0) {
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
  return <Form providers={providers} />;
}
