import { useEffect, useRef, useState } from "preact/hooks";
import { createBenchmark, listProviders } from "../../api/endpoints";
import type { Provider } from "../../api/types";
import { navigate } from "../../app/router";
import { may } from "../../app/session";
import { Button, LinkButton } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { PageHead, Panel } from "../../ui/Panel";
import { Failure, Loading, Message, Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";
import { type Draft, EMPTY_DRAFT } from "./draft";
import { type FormProps, fieldPaths } from "./form";
import { LoadFields, StopFields, WorkloadFields } from "./MainFields";
import { LimitFields, RunFields, SamplingFields, SloFields } from "./MoreFields";
import { Preview } from "./Preview";
import { type Problems, placeProblems } from "./problems";
import { buildSpec } from "./spec";
import { TargetFields } from "./TargetFields";
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

function initialDraft(providers: readonly Provider[]): Draft {
  const usable = providers.filter((provider) => provider.is_enabled);
  const only = usable.length === 1 ? usable[0] : undefined;
  return only ? { ...EMPTY_DRAFT, targets: [{ provider: only.name, model: only.default_model ?? "" }] } : EMPTY_DRAFT;
}

function Form({ providers }: { providers: readonly Provider[] }) {
  const [draft, setDraft] = useState(() => initialDraft(providers));
  const [problems, setProblems] = useState<Problems>({});
  const [rest, setRest] = useState<string[]>([]);
  const { busy, error, run } = useAction();
  const form = useRef<HTMLFormElement>(null);
  const built = buildSpec(draft);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const parts: FormProps = { draft, change, problems };

  useEffect(() => {
    form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [problems]);

  const submit = async (event: Event) => {
    event.preventDefault();
    setRest([]);
    setProblems(built.problems);
    if (Object.keys(built.problems).length > 0) return;
    await run(async () => {
      const created = await createBenchmark(built.spec);
      navigate(`/benchmarks/${created.id}`);
    });
    if (!error.value) return;
    const placed = placeProblems(error.value.problems, fieldPaths(draft));
    setProblems(placed.byField);
    setRest(placed.rest);
  };

  const hasProblemIn = (...names: string[]) =>
    Object.keys(problems).some((path) => names.some((name) => path === name || path.startsWith(`${name}.`)));

  return (
    <form class="new-benchmark" ref={form} onSubmit={(event) => void submit(event)} noValidate>
      <div class="new-main">
        <Panel title="Target">
          <div class="stack">
            <TargetFields {...parts} providers={providers} />
          </div>
        </Panel>
        <Panel title="Workload">
          <div class="stack">
            <WorkloadFields {...parts} />
          </div>
        </Panel>
        <div class="pair">
          <Panel title="Load">
            <div class="stack">
              <LoadFields {...parts} />
            </div>
          </Panel>
          <Panel title="Stop after" aside="whichever comes first">
            <StopFields {...parts} />
          </Panel>
        </div>
        <Panel title="SLO" aside="a request is good when it meets every limit given">
          <SloFields {...parts} />
        </Panel>
        <Section title="Sampling" opened={hasProblemIn("sampling")}>
          <SamplingFields {...parts} />
        </Section>
        <Section title="Timeouts and retries" opened={hasProblemIn("timeouts", "retry")}>
          <LimitFields {...parts} />
        </Section>
        <Section title="Run" opened={hasProblemIn("tags", "seed", "workers")}>
          <RunFields {...parts} />
        </Section>
      </div>
      <aside class="new-side">
        <Panel title="Start">
          <div class="stack">
            <TextField
              label="Name"
              name="name"
              value={draft.name}
              placeholder={built.spec.name}
              problem={problems.name}
              onInput={(name) => change({ name })}
            />
            {error.value && <Notice error={error.value} what="Not started." />}
            {rest.length > 0 && (
              <ul class="rest">
                {rest.map((text) => (
                  <li key={text}>{text}</li>
                ))}
              </ul>
            )}
            <Button type="submit" kind="primary" icon="play" busy={busy.value}>
              {busy.value ? "Starting…" : "Start benchmark"}
            </Button>
          </div>
        </Panel>
        <Preview spec={built.spec} />
      </aside>
    </form>
  );
}

/** A part that is closed until it is wanted, or until something in it is wrong. */
function Section({ title, opened, children }: { title: string; opened: boolean; children: preact.ComponentChildren }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="panel section" open={isOpen || opened} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{title}</summary>
      {children}
    </details>
  );
}
