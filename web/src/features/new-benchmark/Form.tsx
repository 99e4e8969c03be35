import { useEffect, useRef, useState } from "preact/hooks";
import { createBenchmark } from "../../api/endpoints";
import type { BenchmarkSpec, Provider } from "../../api/types";
import { navigate } from "../../app/router";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { type Draft, EMPTY_DRAFT } from "./draft";
import { ExploreFields } from "./ExploreFields";
import type { FormProps } from "./form-props";
import { LoadFields, StopFields } from "./LoadFields";
import { LoadPicture } from "./LoadPicture";
import { BudgetFields, LimitFields, RunFields, SamplingFields, SloFields, WindowFields } from "./MoreFields";
import { Preview } from "./Preview";
import { type Problems, placeProblems, standing } from "./problems";
import { buildSpec } from "./spec";
import { TargetFields } from "./TargetFields";
import { WorkloadFields } from "./WorkloadFields";

/** What the service refused, and why; each reason stands until its part of the spec changes. */
interface Refusal {
  spec: BenchmarkSpec;
  byField: Problems;
  rest: string[];
}

function initialDraft(providers: readonly Provider[]): Draft {
  const usable = providers.filter((provider) => provider.is_enabled);
  const only = usable.length === 1 ? usable[0] : undefined;
  return only ? { ...EMPTY_DRAFT, targets: [{ provider: only.name, model: only.default_model ?? "" }] } : EMPTY_DRAFT;
}

export function Form({ providers }: { providers: readonly Provider[] }) {
  const [draft, setDraft] = useState(() => initialDraft(providers));
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  // Counts the tries to start: what is missing is said from the first on, and each moves the focus to what is wrong.
  const [tries, setTries] = useState(0);
  const { busy, error, run } = useAction();
  const form = useRef<HTMLFormElement>(null);
  const built = buildSpec(draft);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const problems: Problems = {
    ...(refusal && standing(refusal.byField, refusal.spec, built.spec)),
    ...(tries > 0 ? built.missing : {}),
    ...built.problems,
  };
  const parts: FormProps = {
    draft,
    problems,
    change,
    changeLoad: (part) => setDraft((before) => ({ ...before, load: { ...before.load, ...part } })),
    changeWorkload: (part) => setDraft((before) => ({ ...before, workload: { ...before.workload, ...part } })),
    changeExplore: (part) => setDraft((before) => ({ ...before, explore: { ...before.explore, ...part } })),
  };

  useEffect(() => {
    if (tries > 0) form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [tries, refusal]);

  const forget = () => {
    error.value = null;
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setRefusal(null);
    forget();
    setTries((before) => before + 1);
    if (Object.keys(built.problems).length + Object.keys(built.missing).length > 0) return;
    await run(async () => {
      const created = await createBenchmark(built.spec);
      navigate(`/benchmarks/${created.id}`);
    });
    if (error.value) setRefusal({ spec: built.spec, ...placeProblems(error.value.problems, built.paths) });
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
          <div class="new-column">
            <Panel title="Stop after" aside="whichever comes first">
              <StopFields {...parts} spec={built.spec} />
            </Panel>
            <Panel>
              <LoadPicture spec={built.spec} />
            </Panel>
          </div>
        </div>
        <Panel title="Levels">
          <div class="stack">
            <ExploreFields {...parts} />
          </div>
        </Panel>
        <Panel title="SLO" aside="a request is good when it meets every limit given">
          <SloFields {...parts} />
        </Panel>
        <Section title="Sampling" opened={hasProblemIn("sampling")}>
          <SamplingFields {...parts} />
        </Section>
        <Section title="Timeouts and retries" opened={hasProblemIn("timeouts", "retry")}>
          <LimitFields {...parts} />
        </Section>
        <Section title="Budget and limits" opened={hasProblemIn("budget_usd", "limits")}>
          <BudgetFields {...parts} />
        </Section>
        <Section title="Steady window" opened={hasProblemIn("window")}>
          <WindowFields {...parts} />
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
            {refusal && refusal.rest.length > 0 && (
              <ul class="rest">
                {refusal.rest.map((text) => (
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
