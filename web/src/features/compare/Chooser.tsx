import { useEffect, useState } from "preact/hooks";
import { listBenchmarks } from "../../api/endpoints";
import type { BenchmarkListItem } from "../../api/types";
import { query, setQuery } from "../../app/router";
import { LinkButton } from "../../ui/Button";
import { describeLoad, describeTargets } from "../../ui/describe";
import { count } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { Failure, Loading, Message, Notice } from "../../ui/states";
import { exact, relative } from "../../ui/times";
import { useLoad } from "../../ui/useLoad";
import { useNow } from "../../ui/useNow";
import { LEAST_RUNS, MOST_RUNS, toggled } from "./selection";

const SHOWN = 100;
// Long enough not to ask for every letter, short enough to feel like typing.
const SEARCH_AFTER_MS = 250;
const MOST_CHARACTERS = 200;

/** Benchmarks that have ended, to tick: found by words, those that are ticked first; the address follows. */
export function Chooser({ ids, isOpen }: { ids: readonly string[]; isOpen: boolean }) {
  const text = query.value.get("q") ?? "";
  const found = useLoad(text, (signal) => listBenchmarks({ status: "completed", q: text, limit: SHOWN }, signal));
  // Those that are ticked may be older than all that is shown.
  const chosen = useLoad(ids.join(), async (signal) =>
    ids.length > 0 ? (await listBenchmarks({ id: ids, limit: MOST_RUNS }, signal)).items : [],
  );
  if (!found.data.value) {
    return found.error.value ? (
      <Failure error={found.error.value} what="the benchmarks" retry={found.reload} />
    ) : (
      <Loading what="benchmarks" />
    );
  }
  const ticked = (chosen.data.value ?? []).filter(({ id }) => ids.includes(id));
  const others = found.data.value.items.filter(({ id }) => !ticked.some((row) => row.id === id));
  if (ticked.length + others.length === 0 && text === "") {
    return (
      <Message icon="pulse" title="Nothing to compare yet" action={<LinkButton href="/">Benchmarks</LinkButton>}>
        <p>A comparison needs two benchmarks that have ended.</p>
      </Message>
    );
  }
  const list = (
    <>
      <Search text={text} />
      {found.error.value && <Notice error={found.error.value} what="The list is not up to date." />}
      <ul class="chooser" aria-busy={found.loading.value}>
        {[...ticked, ...others].map((row) => (
          <Choice key={row.id} row={row} ids={ids} />
        ))}
      </ul>
      {others.length === 0 && (
        <p class="muted compare-note">No {text ? "" : "other "}benchmark that has ended matches.</p>
      )}
      {found.data.value.next_cursor && (
        <p class="muted compare-note">The newest {count(SHOWN)} are shown: search for the others.</p>
      )}
    </>
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

function Search({ text }: { text: string }) {
  const [typed, setTyped] = useState(text);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    if (typed.trim() === text) return;
    const timer = setTimeout(() => setQuery({ q: typed.trim() || null }), SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return (
    <search class="chooser-search">
      <input
        type="search"
        aria-label="Search benchmarks to compare"
        placeholder="Name, tag, provider, model  ( / )"
        maxLength={MOST_CHARACTERS}
        value={typed}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
    </search>
  );
}

function Choice({ row, ids }: { row: BenchmarkListItem; ids: readonly string[] }) {
  const now = useNow(30_000);
  const isChosen = ids.includes(row.id);
  return (
    <li>
      <label>
        <input
          type="checkbox"
          checked={isChosen}
          disabled={!isChosen && ids.length >= MOST_RUNS}
          onInput={() => setQuery({ ids: toggled(ids, row.id).join(",") })}
        />
        <span class="chooser-name">{row.name}</span>
        <span class="muted chooser-what">
          {describeTargets(row.targets)} · {describeLoad(row.load)}
        </span>
        <time class="muted" dateTime={row.created_at} title={exact(row.created_at)}>
          {relative(row.created_at, now)}
        </time>
      </label>
    </li>
  );
}
