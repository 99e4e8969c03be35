import { listBenchmarks } from "../../api/endpoints";
import { setQuery } from "../../app/router";
import { LinkButton } from "../../ui/Button";
import { describeLoad, describeTargets } from "../../ui/describe";
import { Panel } from "../../ui/Panel";
import { Failure, Loading, Message } from "../../ui/states";
import { exact, relative } from "../../ui/times";
import { useLoad } from "../../ui/useLoad";
import { useNow } from "../../ui/useNow";
import { LEAST_RUNS, MOST_RUNS, toggled } from "./selection";

const SHOWN = 100;

/** Benchmarks that have ended, to tick; the address follows. */
export function Chooser({ ids, isOpen }: { ids: readonly string[]; isOpen: boolean }) {
  const { data, error, reload } = useLoad("completed", (signal) =>
    listBenchmarks({ status: "completed", limit: SHOWN }, signal),
  );
  const now = useNow(30_000);
  if (!data.value) {
    return error.value ? (
      <Failure error={error.value} what="the benchmarks" retry={reload} />
    ) : (
      <Loading what="benchmarks" />
    );
  }
  const rows = data.value.items;
  if (rows.length === 0) {
    return (
      <Message icon="pulse" title="Nothing to compare yet" action={<LinkButton href="/">Benchmarks</LinkButton>}>
        <p>A comparison needs two benchmarks that have ended.</p>
      </Message>
    );
  }
  const list = (
    <ul class="chooser">
      {rows.map((row) => {
        const isChosen = ids.includes(row.id);
        return (
          <li key={row.id}>
            <label>
              <input
                type="checkbox"
                checked={isChosen}
                disabled={!isChosen && ids.length >= MOST_RUNS}
                onInput={() => setQuery({ ids: toggled(ids, row.id).join(",") })}
              />
              <span class="chooser-name">{row.name}</span>
              <span class="muted">
                {describeTargets(row.targets)} · {describeLoad(row.load)}
              </span>
              <time class="muted" dateTime={row.created_at} title={exact(row.created_at)}>
                {relative(row.created_at, now)}
              </time>
            </label>
          </li>
        );
      })}
    </ul>
  );
  return (
    <Panel title={isOpen ? `Choose ${LEAST_RUNS} to ${MOST_RUNS} benchmarks` : undefined}>
      {isOpen ? (
        list
      ) : (
        <details>
          <summary>Choose other benchmarks</summary>
          {list}
        </details>
      )}
    </Panel>
  );
}
