import { useEffect, useMemo } from "preact/hooks";
import type { Benchmark } from "../../api/types";
import { route } from "../../app/router";
import { StatusBadge } from "../../ui/Badge";
import { Button, LinkButton } from "../../ui/Button";
import { PageHead } from "../../ui/Panel";
import { Failure, Loading, Message, Notice, sentence } from "../../ui/states";
import { TraceId } from "../../ui/TraceId";
import { exact, relative } from "../../ui/times";
import { useNow } from "../../ui/useNow";
import { Actions } from "./Actions";
import { BigNumbers } from "./BigNumbers";
import { LiveCertificate } from "./CertificatePanel";
import { DistributionPanels } from "./DistributionPanels";
import { ErrorClasses } from "./ErrorClasses";
import { ExplorationPanel } from "./ExplorationPanel";
import { ExtremesPanel } from "./ExtremesPanel";
import { PhasesPanel } from "./PhasesPanel";
import { ProgressStrip } from "./ProgressStrip";
import { bandsOf } from "./parts";
import { RequestPanel } from "./RequestPanel";
import { ScatterPanel } from "./ScatterPanel";
import { SourcePanel } from "./SourcePanel";
import { SpecPanel } from "./SpecPanel";
import { SummaryPanels } from "./SummaryPanels";
import { RunStore } from "./store";
import { TimeCharts } from "./TimeCharts";
import { Warnings } from "./Warnings";
import "./run.css";
import "./distributions.css";
import "./extremes.css";
import "./phases.css";
import "./summary.css";

export function RunPage({ id }: { id: string }) {
  const run = useMemo(() => new RunStore(id), [id]);
  useEffect(() => {
    run.open();
    return () => run.close();
  }, [run]);

  const benchmark = run.benchmark.value;
  const error = run.error.value;
  useEffect(() => {
    if (benchmark) document.title = `${benchmark.name} · LLM Test Bench`;
  }, [benchmark?.name]);

  if (run.isDeleted.value) {
    return (
      <Message icon="info" title="This benchmark was deleted" action={<LinkButton href="/">Benchmarks</LinkButton>}>
        <p>Its results are gone with it.</p>
      </Message>
    );
  }
  if (!benchmark) {
    return error ? (
      <Failure error={error} what="the benchmark" retry={() => void run.load()} />
    ) : (
      <Loading what="the benchmark" />
    );
  }
  return <Run run={run} benchmark={benchmark} />;
}

function Run({ run, benchmark }: { run: RunStore; benchmark: Benchmark }) {
  const { error, timelineError } = run;
  const bands = useMemo(() => bandsOf(benchmark.summary), [benchmark.summary]);
  const opened = route.value.page === "run" ? (route.value.request ?? null) : null;
  return (
    <div class="run">
      <PageHead
        crumb={<a href="/">Benchmarks</a>}
        title={benchmark.name}
        status={
          <span role="status" class="run-status">
            <StatusBadge status={run.status.value} />
          </span>
        }
        actions={
          <>
            <PauseButton run={run} />
            <Actions run={run} benchmark={benchmark} />
          </>
        }
      />
      <Facts benchmark={benchmark} />
      {error.value && <Notice error={error.value} what="This page is not up to date." />}
      {benchmark.error && (
        <div class="notice" role="alert">
          <div>
            <strong>{benchmark.status === "failed" ? "The benchmark failed." : "Note."}</strong>{" "}
            {sentence(benchmark.error)}
          </div>
        </div>
      )}
      <ProgressStrip run={run} benchmark={benchmark} />
      {benchmark.summary && <Warnings summary={benchmark.summary} />}
      {benchmark.summary && <SourcePanel summary={benchmark.summary} />}
      <BigNumbers run={run} benchmark={benchmark} />
      {benchmark.summary && <ExplorationPanel summary={benchmark.summary} spec={benchmark.spec} />}
      {timelineError.value && <Notice error={timelineError.value} what="The charts have no history." />}
      <TimeCharts run={run} benchmark={benchmark} bands={bands} />
      <ExtremesPanel run={run} />
      {!benchmark.summary && !run.isOver.value && <LiveCertificate />}
      <ErrorClasses run={run} />
      {benchmark.summary && <PhasesPanel figures={benchmark.summary} />}
      {benchmark.summary && <DistributionPanels benchmark={benchmark} />}
      {benchmark.summary && <ScatterPanel benchmark={benchmark} />}
      {benchmark.summary && <SummaryPanels summary={benchmark.summary} spec={benchmark.spec} />}
      <SpecPanel
        spec={benchmark.spec}
        trace={benchmark.trace_id && <TraceId what="trace id" id={benchmark.trace_id} url={benchmark.trace_url} />}
      />
      {opened !== null && <RequestPanel run={run.id} index={opened} />}
    </div>
  );
}

/** Stops the view, not the run. */
function PauseButton({ run }: { run: RunStore }) {
  if (run.isOver.value || run.status.value === "pending") return null;
  if (!run.isPaused.value) {
    return (
      <Button title="The view stands still, the run goes on" onClick={() => run.pause()}>
        Pause the view
      </Button>
    );
  }
  return (
    <Button kind="primary" icon="play" onClick={() => run.resume()}>
      Go on
    </Button>
  );
}

/** Who, when, and under what tags. */
function Facts({ benchmark }: { benchmark: Benchmark }) {
  const now = useNow(5000);
  const since = benchmark.finished_at ?? benchmark.started_at ?? benchmark.created_at;
  const verb = benchmark.finished_at ? "ended" : benchmark.started_at ? "started" : "created";
  return (
    <p class="run-facts muted">
      <span title={exact(since)}>
        {verb} {relative(since, now)}
      </span>
      {benchmark.owner && <span>by {benchmark.owner.username}</span>}
      {benchmark.tags.map((tag) => (
        <span key={tag} class="run-tag">
          {tag}
        </span>
      ))}
    </p>
  );
}
