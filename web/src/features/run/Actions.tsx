import { useEffect, useState } from "preact/hooks";
import { cancelBenchmark, deleteBenchmark, downloadReport } from "../../api/endpoints";
import type { Benchmark } from "../../api/types";
import { listen } from "../../app/keyboard";
import { navigate } from "../../app/router";
import { may } from "../../app/session";
import { Button, LinkButton } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import type { RunStore } from "./store";

function duplicateHref(id: string): string {
  return `/benchmarks/new?from=${encodeURIComponent(id)}`;
}

/** Cancel while it runs, delete when it is over. Each asks once, with the name of the run. */
export function Actions({ run, benchmark }: { run: RunStore; benchmark: Benchmark }) {
  const [asked, setAsked] = useState<"cancel" | "delete" | null>(null);
  const { busy, error, run: act } = useAction();
  const report = useAction();
  const status = run.status.value;
  const close = () => {
    setAsked(null);
    error.value = null;
  };
  const cancel = async () => {
    if (await act(() => cancelBenchmark(run.id))) {
      close();
      void run.load();
    }
  };
  const remove = async () => {
    if (await act(() => deleteBenchmark(run.id))) navigate("/");
  };

  useEffect(() => {
    if (!may("benchmark.create")) return;
    return listen([{ key: "d", what: "Duplicate the benchmark", run: () => navigate(duplicateHref(run.id)) }]);
  }, [run.id]);

  return (
    <>
      {benchmark.summary && run.isOver.value && may("results.read") && (
        <>
          <LinkButton href={`/compare?ids=${run.id}`}>Compare</LinkButton>
          <Button
            busy={report.busy.value}
            title={report.error.value ? `Not saved: ${report.error.value.message}` : "One HTML file that opens offline"}
            onClick={() => void report.run(() => downloadReport(run.id))}
          >
            {report.error.value ? "Report: try again" : "Report"}
          </Button>
        </>
      )}
      {may("benchmark.create") && <LinkButton href={duplicateHref(run.id)}>Duplicate</LinkButton>}
      {!run.isOver.value && may("benchmark.cancel") && (
        <Button kind="danger" icon="stop" disabled={status === "cancelling"} onClick={() => setAsked("cancel")}>
          {status === "cancelling" ? "Cancelling…" : "Cancel"}
        </Button>
      )}
      {run.isOver.value && may("benchmark.delete") && (
        <Button kind="danger" onClick={() => setAsked("delete")}>
          Delete
        </Button>
      )}
      {asked === "cancel" && (
        <Confirm
          title={`Cancel “${benchmark.name}”?`}
          action="Cancel the run"
          keep="Keep it running"
          busy={busy.value}
          onConfirm={() => void cancel()}
          onClose={close}
        >
          <p>No new request is started, and those under way get a short grace period. What was measured is kept.</p>
          {error.value && <Notice error={error.value} what="Not cancelled." />}
        </Confirm>
      )}
      {asked === "delete" && (
        <Confirm
          title={`Delete “${benchmark.name}”?`}
          action="Delete it"
          keep="Keep it"
          busy={busy.value}
          onConfirm={() => void remove()}
          onClose={close}
        >
          <p>The benchmark and all its results are deleted. This cannot be undone.</p>
          {error.value && <Notice error={error.value} what="Not deleted." />}
        </Confirm>
      )}
    </>
  );
}
