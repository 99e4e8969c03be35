import { useEffect, useMemo, useState } from "preact/hooks";
import { query, setQuery } from "../../app/router";
import { may } from "../../app/session";
import { Button, LinkButton } from "../../ui/Button";
import { PageHead } from "../../ui/Panel";
import { Failure, Loading, Message, Notice } from "../../ui/states";
import { BenchmarkTable } from "./BenchmarkTable";
import { type Filters, isFiltered, readFilters, STATUSES } from "./filters";
import { BenchmarkList } from "./list";
import "./benchmarks.css";

// Long enough not to ask for every letter, short enough to feel like typing.
const SEARCH_AFTER_MS = 250;

export function BenchmarksPage() {
  const filters = readFilters(query.value);
  const list = useMemo(() => new BenchmarkList(), []);
  useEffect(() => list.open(filters), [filters.status, filters.q]);
  useEffect(() => () => list.close(), []);

  return (
    <>
      <PageHead
        title="Benchmarks"
        actions={
          may("benchmark.create") && (
            <LinkButton href="/benchmarks/new" kind="primary" icon="plus">
              New benchmark
            </LinkButton>
          )
        }
      />
      <FilterBar filters={filters} />
      <Rows list={list} filters={filters} />
    </>
  );
}

function FilterBar({ filters }: { filters: Filters }) {
  const [text, setText] = useState(filters.q);
  useEffect(() => setText(filters.q), [filters.q]);
  useEffect(() => {
    const timer = setTimeout(() => setQuery({ q: text.trim() || null }), SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <search class="filters">
      <input
        type="search"
        aria-label="Search benchmarks"
        placeholder="Search by name  ( / )"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <select
        aria-label="Status"
        value={filters.status}
        onInput={(event) => setQuery({ status: event.currentTarget.value || null })}
      >
        <option value="">Any status</option>
        {STATUSES.map((status) => (
          <option key={status} value={status}>
            {status}
          </option>
        ))}
      </select>
      {isFiltered(filters) && (
        <Button kind="quiet" onClick={() => setQuery({ q: null, status: null })}>
          Clear
        </Button>
      )}
    </search>
  );
}

function Rows({ list, filters }: { list: BenchmarkList; filters: Filters }) {
  const rows = list.rows.value;
  const error = list.error.value;
  if (!rows) {
    return error ? (
      <Failure error={error} what="the benchmarks" retry={() => list.retry()} />
    ) : (
      <Loading what="benchmarks" />
    );
  }
  if (rows.length === 0) return <Empty isFiltered={isFiltered(filters)} />;
  return (
    <>
      {error && <Notice error={error} what="The list is not up to date." />}
      <BenchmarkTable rows={rows} />
      {list.hasMore.value && (
        <div class="load-more">
          <Button busy={list.loading.value} onClick={() => list.more()}>
            {list.loading.value ? "Loading…" : "Load more"}
          </Button>
        </div>
      )}
    </>
  );
}

function Empty({ isFiltered: filtered }: { isFiltered: boolean }) {
  if (filtered) {
    return (
      <Message
        icon="search"
        title="No benchmark matches"
        action={<Button onClick={() => setQuery({ q: null, status: null })}>Clear the filters</Button>}
      />
    );
  }
  return (
    <Message
      icon="pulse"
      title="No benchmarks yet"
      action={
        may("benchmark.create") && (
          <LinkButton href="/benchmarks/new" kind="primary" icon="plus">
            New benchmark
          </LinkButton>
        )
      }
    >
      <p>A benchmark sends requests to a model and measures how long its answers take.</p>
    </Message>
  );
}
