import { useEffect, useRef, useState } from "preact/hooks";
import { createBenchmark } from "../../api/endpoints";
import type { BenchmarkSpec, Preset, Provider } from "../../api/types";
import { navigate, query, setQuery } from "../../app/router";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Icon } from "../../ui/icons";
import { Panel } from "../../ui/Panel";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { CarriedParts } from "./CarriedParts";
import { type Draft, EMPTY_DRAFT } from "./draft";
import { draftOf } from "./draft-of";
import { Estimate, EstimateBar } from "./Estimate";
import { ExploreFields } from "./ExploreFields";
import type { FormProps } from "./form-props";
import { BudgetFields, LimitFields, SloFields } from "./LimitFields";
import { LoadFields } from "./LoadFields";
import { LoadPicture } from "./LoadPicture";
import { OpenSpec } from "./OpenSpec";
import { Preview } from "./Preview";
import { ProblemList } from "./ProblemList";
import { type Problems, placeProblems, standing } from "./problems";
import { RunFields, WindowFields } from "./RunFields";
import { SamplingFields } from "./SamplingFields";
import { Starters } from "./Starters";
import { StopFields } from "./StopFields";
import { buildSpec } from "./spec";
import { TargetFields } from "./TargetFields";
import { type Base, useDraft } from "./useDraft";
import { useValidation } from "./useValidation";
import { WorkloadFields } from "./WorkloadFields";

/** What the service refused, and why; each reason stands until its part of the spec changes. */
interface Refusal {
  spec: BenchmarkSpec;
  byField: Problems;
  rest: string[];
}

interface FormParts {
  providers: readonly Provider[];
  presets: readonly Preset[];
  from: { id: string; name: string; spec: unknown } | null;
}

function blank(providers: readonly Provider[]): Base {
  const usable = providers.filter((provider) => provider.is_enabled);
  const asked = usable.find((provider) => provider.name === query.value.get("provider"));
  const only = asked ?? (usable.length === 1 ? usable[0] : undefined);
  const targets = only ? [{ provider: only.name, model: only.default_model ?? "" }] : EMPTY_DRAFT.targets;
  return { origin: asked ? `provider:${asked.name}` : "", label: "", draft: { ...EMPTY_DRAFT, targets } };
}

function ofPreset(preset: Preset, targets: Draft["targets"]): Base {
  const draft = draftOf({ ...preset.spec, targets });
  return { origin: `preset:${preset.name}`, label: preset.title, draft: { ...draft, targets } };
}

/** What a preset says is not about the target. */
function isPreset(base: Base): boolean {
  return base.origin.startsWith("preset:");
}

function firstBase({ providers, presets, from }: FormParts): Base {
  const empty = blank(providers);
  if (from) return { origin: `from:${from.id}`, label: from.name, draft: draftOf(from.spec) };
  const preset = presets.find((one) => one.name === query.value.get("preset"));
  return preset ? ofPreset(preset, empty.draft.targets) : empty;
}

export function Form(props: FormParts) {
  const { providers, presets } = props;
  const [start] = useState(() => firstBase(props));
  const { draft, base, wasRestored, setDraft, startFrom, finish } = useDraft(start);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const [isOpening, setOpening] = useState(false);
  // Fields that were changed and left: what is wrong with others is not said while someone is still on the way to them.
  const [settled, setSettled] = useState<ReadonlySet<string>>(new Set());
  const dirty = useRef("");
  // Counts the tries to start: what is missing is said from the first on, and each moves the focus to what is wrong.
  const [tries, setTries] = useState(0);
  const { busy, error, run } = useAction();
  const form = useRef<HTMLFormElement>(null);
  const built = buildSpec(draft);
  const change = (part: Partial<Draft>) => setDraft((before) => ({ ...before, ...part }));
  const validation = useValidation(built.spec);
  const said = validation.answer && placeProblems(validation.answer.problems, built.paths);
  const isSaid = (path: string) =>
    tries > 0 || settled.has(path) || base.origin.startsWith("file:") || base.origin.startsWith("from:");
  const live = said && validation.about ? standing(said.byField, validation.about, built.spec) : {};
  const own = { ...built.missing, ...built.problems };
  const problems: Problems = {
    ...(refusal && standing(refusal.byField, refusal.spec, built.spec)),
    ...only({ ...live, ...own }, isSaid),
  };
  const rest = [...new Set([...(refusal?.rest ?? []), ...((isSaid("") && said?.rest) || [])])];
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
  const begin = (next: Base) => {
    startFrom(next);
    setRefusal(null);
    setSettled(new Set());
    setTries(0);
    forget();
  };
  const choose = (preset: Preset) => {
    setQuery({ preset: preset.name, from: null });
    begin(ofPreset(preset, draft.targets));
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setRefusal(null);
    forget();
    setTries((before) => before + 1);
    if (Object.keys(built.problems).length + Object.keys(built.missing).length > 0) return;
    await run(async () => {
      const created = await createBenchmark(built.spec);
      finish();
      navigate(`/benchmarks/${created.id}`);
    });
    if (error.value) setRefusal({ spec: built.spec, ...placeProblems(error.value.problems, built.paths) });
  };

  const problemsIn = (...names: string[]) =>
    Object.keys(problems).filter((path) => names.some((name) => path === name || path.startsWith(`${name}.`))).length;
  const settle = (event: FocusEvent) => {
    const path = event.target instanceof HTMLElement ? event.target.dataset.path : undefined;
    if (path && dirty.current === path) setSettled((before) => new Set(before).add(path));
    dirty.current = "";
  };
  const touch = (event: Event) => {
    dirty.current = (event.target instanceof HTMLElement && event.target.dataset.path) || "";
  };

  return (
    <>
      {isOpening && (
        <OpenSpec
          onOpen={(name, spec) => begin({ origin: `file:${name}`, label: name, draft: draftOf(spec) })}
          onClose={() => setOpening(false)}
        />
      )}
      <form
        class="new-benchmark"
        ref={form}
        onSubmit={(event) => void submit(event)}
        onInput={touch}
        onFocusOut={settle}
        noValidate
      >
        <div class="new-main">
          <Starters
            presets={presets}
            base={base}
            draft={draft}
            wasRestored={wasRestored}
            onPreset={choose}
            onReset={() => begin(isPreset(base) ? { ...base, draft: { ...base.draft, targets: draft.targets } } : base)}
            onBlank={() => {
              setQuery({ preset: null, from: null });
              begin({ ...blank(providers), draft: { ...blank(providers).draft, targets: draft.targets } });
            }}
            onOpen={() => setOpening(true)}
          />
          <CarriedParts draft={draft} spec={built.spec} onChange={(carried) => change({ carried })} />
          <Panel title="Target" aside={<Mark n={problemsIn("targets")} />}>
            <div class="stack">
              <TargetFields {...parts} providers={providers} />
            </div>
          </Panel>
          <Panel title="Workload" aside={<Mark n={problemsIn("workload")} />}>
            <div class="stack">
              <WorkloadFields {...parts} />
            </div>
          </Panel>
          <div class="pair">
            <Panel title="Load" aside={<Mark n={problemsIn("load")} />}>
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
          <Panel title="Levels" aside={<Mark n={problemsIn("explore")} />}>
            <div class="stack">
              <ExploreFields {...parts} />
            </div>
          </Panel>
          <Panel title="SLO" aside="a request is good when it meets every limit given">
            <SloFields {...parts} />
          </Panel>
          <Section title="Sampling" problems={problemsIn("sampling")}>
            <SamplingFields {...parts} />
          </Section>
          <Section title="Timeouts and retries" problems={problemsIn("timeouts", "retry")}>
            <LimitFields {...parts} />
          </Section>
          <Section title="Budget and limits" problems={problemsIn("budget_usd", "limits")}>
            <BudgetFields {...parts} />
          </Section>
          <Section title="Steady window" problems={problemsIn("window")}>
            <WindowFields {...parts} />
          </Section>
          <Section title="Run" problems={problemsIn("tags", "seed", "workers", "placement")}>
            <RunFields {...parts} />
          </Section>
        </div>
        <aside class="new-side">
          <Estimate validation={validation} />
          <Panel title="Start">
            <div class="stack">
              <TextField
                label="Name"
                name="name"
                value={draft.name}
                placeholder={built.spec.name}
                path="name"
                problem={problems.name}
                onInput={(name) => change({ name })}
              />
              {error.value && <Notice error={error.value} what="Not started." />}
              <ProblemList problems={problems} rest={rest} />
              <Button type="submit" kind="primary" icon="play" busy={busy.value}>
                {busy.value ? "Starting…" : "Start benchmark"}
              </Button>
            </div>
          </Panel>
          <Preview spec={built.spec} />
        </aside>
        <EstimateBar validation={validation} />
      </form>
    </>
  );
}

function only(problems: Problems, isWanted: (path: string) => boolean): Problems {
  return Object.fromEntries(Object.entries(problems).filter(([path]) => isWanted(path)));
}

/** How many problems a part of the form has. */
function Mark({ n }: { n: number }) {
  if (n === 0) return null;
  return (
    <span class="problem-mark">
      <Icon name="alert" />
      {n === 1 ? "1 problem" : `${n} problems`}
    </span>
  );
}

interface SectionProps {
  title: string;
  problems: number;
  children: preact.ComponentChildren;
}

/** A part that is closed until it is wanted, or until something in it is wrong. */
function Section({ title, problems, children }: SectionProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details
      class="panel section"
      open={isOpen || problems > 0}
      onToggle={(event) => setOpen(event.currentTarget.open)}
    >
      <summary>
        {title} <Mark n={problems} />
      </summary>
      {children}
    </details>
  );
}
