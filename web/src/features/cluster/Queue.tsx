import { useState } from "preact/hooks";
import { cancelBenchmark } from "../../api/endpoints";
import type { Cluster, WaitingBenchmark } from "../../api/types";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Moment } from "../../ui/Moment";
import { count } from "../../ui/numbers";
import { Notice } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { useAction } from "../../ui/useAction";
import { reasonWords } from "./judged";

/** Who is next, and why they wait. */
export function Queue({ cluster, reload }: { cluster: Cluster; reload: () => void }) {
  const [cancelling, setCancelling] = useState<WaitingBenchmark | null>(null);
  const hidden = cluster.waiting - cluster.queue.length;
  return (
    <section aria-labelledby="queue">
      <h2 id="queue" class="cluster-head">
        Waiting
      </h2>
      {cluster.queue.length === 0 ? (
        <p class="panel">
          <Badge tone="ok" icon="check" word="nobody waits" />
        </p>
      ) : (
        <TableFrame label="Waiting benchmarks">
          <table class="table cards queue-table">
            <thead>
              <tr>
                <th scope="col">Next</th>
                <th scope="col">Benchmark</th>
                <th scope="col">Submitted</th>
                <th scope="col">Why it waits</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {cluster.queue.map((waiting) => (
                <tr key={`${waiting.position} ${waiting.id}`}>
                  <td data-label="Next" class="number">
                    {waiting.position}
                  </td>
                  <th scope="row" class="whole">
                    {waiting.id ? (
                      <a href={`/benchmarks/${waiting.id}`}>{waiting.name}</a>
                    ) : (
                      <span class="muted" title="It is not shared with you">
                        someone’s benchmark
                      </span>
                    )}
                  </th>
                  <td data-label="Submitted">
                    <Moment at={waiting.created_at} />
                  </td>
                  <td data-label="Why it waits" class="whole queue-reason">
                    {reasonWords(waiting, cluster)}
                  </td>
                  <td class="right whole">
                    {waiting.may_cancel && (
                      <Button kind="quiet" title={`Cancel ${waiting.name}`} onClick={() => setCancelling(waiting)}>
                        Cancel
                      </Button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
      {hidden > 0 && <p class="muted">And {count(hidden)} more behind them.</p>}
      {cancelling?.id && (
        <CancelDialog
          id={cancelling.id}
          name={cancelling.name ?? ""}
          onClose={() => setCancelling(null)}
          onDone={() => {
            setCancelling(null);
            reload();
          }}
        />
      )}
    </section>
  );
}

interface CancelProps {
  id: string;
  name: string;
  onClose: () => void;
  onDone: () => void;
}

function CancelDialog({ id, name, onClose, onDone }: CancelProps) {
  const { busy, error, run } = useAction();
  return (
    <Confirm
      title={`Cancel “${name}”?`}
      action="Cancel it"
      keep="Let it wait"
      busy={busy.value}
      onClose={onClose}
      onConfirm={() => void run(() => cancelBenchmark(id)).then((worked) => worked && onDone())}
    >
      <p>It leaves the queue. Should it have begun meanwhile, it stops, and what it has measured is kept.</p>
      {error.value && <Notice error={error.value} what="Not cancelled." />}
    </Confirm>
  );
}
