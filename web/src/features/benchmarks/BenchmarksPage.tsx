import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useMemo, useRef } from "preact/hooks";
import type { BenchmarkListItem } from "../../api/types";
import { isFiltered, listQuery, orderChanges, readFilters, readOrder, viewQuery } from "../../app/benchmark-query";
import { listenOnPage, MOD } from "../../app/keyboard";
import { navigate, place, query, setQuery } from "../../app/router";
import { may, session } from "../../app/session";
import { Button, LinkButton } from "../../ui/Button";
import { count } from "../../ui/numbers";
import { PageHead } from "../../ui/Panel";
import { Failure, Notice } from "../../ui/states";
import { BenchmarkTable } from "./BenchmarkTable";
import { BulkBar } from "./BulkBar";
import { layoutOf } from "./cells";
import type { ColumnId } from "./columns";
import { copiedOf } from "./copied";
import { Empty } from "./Empty";
import { BenchmarkList } from "./list";
import { shownOf } from "./measures";
import { Skeleton } from "./Skeleton";
import { all, drop, extend, NOTHING, type Selection, toggle } from "./selection";
import { forgetKept, keep, keepingFailed, kept, loadKept } from "./stored";
import { Toolbar } from "./Toolbar";
import { usePhone } from "./usePhone";
import { useRoom } from "./useRoom";
import "./benchmarks.css";

let keptFor: string | null = null;

export function BenchmarksPage() {
  const list = useMemo(() => new BenchmarkList(), []);
  const isReady = useSignal(false);
  const selection = useSignal<Selection>(NOTHING);
  const active = useSignal<string | null>(null);
  const cell = useSignal<ColumnId | null>(null);
  const copied = useSignal("");
  const moves = useSignal(0);
  const topAt = useSignal(0);
  const page = useRef<HTMLDivElement>(null);
  const room = useRoom(page);
  const isPhone = usePhone();
  const { columns: chosen, widths } = kept.value;
  const columns = useMemo(() => shownOf(chosen, widths, room, isPhone), [chosen, widths, room, isPhone]);
  const text = viewQuery(query.value);
  const filters = useMemo(() => readFilters(query.value), [text]);
  const order = useMemo(() => readOrder(query.value), [text]);
  const user = session.value.state === "in" ? session.value.user.username : null;

  // First what the user keeps, then the rows: else the list would be drawn twice, and differently.
  useEffect(() => {
    if (keptFor !== user) forgetKept();
    keptFor = user;
    const wasEmpty = query.value.toString() === "";
    void loadKept().then(() => {
      const { views, first } = kept.value;
      const view = views.find(({ name }) => name === first);
      if (view && wasEmpty && query.value.toString() === "") {
        if (view.columns) keep({ columns: view.columns });
        if (view.query) navigate(`${place.value.path}?${view.query}`, "replace");
      }
      isReady.value = true;
    });
  }, []);

  const isOpen = isReady.value;
  const opened = useRef(text);
  useEffect(() => {
    if (!isOpen) return;
    if (opened.current !== text) {
      opened.current = text;
      topAt.value += 1;
      selection.value = NOTHING;
      active.value = null;
    }
    list.open(listQuery(filters, order));
  }, [isOpen, text]);
  useEffect(() => {
    list.onGone = (gone) => {
      selection.value = drop(selection.value, gone);
    };
    return () => list.close();
  }, []);

  const rows = list.rows.value;
  const latest = useRef<readonly BenchmarkListItem[]>([]);
  latest.current = rows ?? [];
  const shown = useRef(columns);
  shown.current = columns;

  const select = useCallback((id: string, withRange: boolean) => {
    const ids = latest.current.map((row) => row.id);
    active.value = id;
    selection.value = withRange ? extend(selection.value, id, ids) : toggle(selection.value, id);
  }, []);
  const activate = useCallback((id: string) => {
    active.value = id;
  }, []);

  useEffect(() => {
    const step = (by: 1 | -1) => {
      const found = latest.current;
      const at = found.findIndex((row) => row.id === active.value);
      const next = found[at < 0 ? 0 : Math.min(found.length - 1, Math.max(0, at + by))];
      if (!next) return;
      active.value = next.id;
      moves.value += 1;
    };
    const onActive = (act: (id: string) => void) => () => {
      if (active.value) act(active.value);
    };
    // Where a key has a meaning of the browser's own, that one holds.
    const isFree = () =>
      active.value !== null &&
      (document.activeElement === document.body || document.activeElement?.closest(".list-row .cell-name") != null);
    const isNowhere = () => active.value !== null && document.activeElement === document.body;
    const sideways = (by: 1 | -1) => {
      const columns = shown.current;
      const at = cell.value === null ? -1 : columns.indexOf(cell.value);
      cell.value = columns[at < 0 ? (by > 0 ? 0 : columns.length - 1) : at + by] ?? cell.value;
      copied.value = "";
    };
    return listenOnPage([
      { key: "j", what: "Next benchmark", run: () => step(1) },
      { key: "k", what: "Previous benchmark", run: () => step(-1) },
      {
        key: "ArrowDown",
        name: "↓ ↑",
        what: "Likewise, from the row that is chosen",
        run: () => step(1),
        when: isFree,
      },
      { key: "ArrowUp", run: () => step(-1), when: isFree },
      { key: "ArrowRight", name: "→ ←", what: "Choose a cell of it", run: () => sideways(1), when: isFree },
      { key: "ArrowLeft", run: () => sideways(-1), when: isFree },
      { key: "Enter", what: "Open it", run: onActive((id) => navigate(`/benchmarks/${id}`)), when: isNowhere },
      { key: "x", what: "Select it, or not", run: onActive((id) => select(id, false)) },
      { key: " ", name: "space", what: "Likewise", run: onActive((id) => select(id, false)), when: isFree },
      { key: "X", name: "shift x", what: "Select all up to it", run: onActive((id) => select(id, true)) },
      {
        key: "Escape",
        name: "esc",
        what: "Select nothing",
        run: () => {
          selection.value = NOTHING;
        },
        when: () => selection.value.ids.size > 0,
      },
      {
        key: `${MOD} C`, // the browser's own, which asks below what is copied
        what: "Copy the cell that is chosen, or the name",
        run: () => {},
      },
      {
        key: ".",
        what: "Show what is new",
        run: () => showNew(),
        when: () => list.arrived.value.size > 0,
      },
    ]);
  }, []);

  useEffect(() => {
    const onCopy = (event: ClipboardEvent) => {
      const row = latest.current.find(({ id }) => id === active.value);
      const isInRow = document.activeElement?.closest(".list-row") != null;
      if (!row || !isInRow || getSelection()?.type === "Range") return;
      const text = copiedOf(cell.value ?? "name", row, layoutOf(latest.current));
      event.clipboardData?.setData("text/plain", text);
      event.preventDefault();
      copied.value = text;
    };
    document.addEventListener("copy", onCopy);
    return () => document.removeEventListener("copy", onCopy);
  }, []);

  const showNew = () => {
    topAt.value += 1;
    list.restart();
  };
  const total = list.total.value ?? rows?.length ?? 0;
  const arrived = list.arrived.value.size;

  return (
    <div ref={page} class="benchmarks-page">
      <PageHead
        title="Benchmarks"
        status={rows && <span class="muted number">{count(total)}</span>}
        actions={
          may("benchmark.create") && (
            <LinkButton href="/benchmarks/new" kind="primary" icon="plus">
              New benchmark
            </LinkButton>
          )
        }
      />
      <Toolbar filters={filters} rows={rows ?? []} columns={columns} />
      {keepingFailed.value && <Notice error={keepingFailed.value} what="Columns and views are not remembered." />}
      {list.error.value && rows && (
        <div class="list-error">
          <Notice error={list.error.value} what="The list is not up to date." />
          <Button onClick={() => list.retry()}>Try again</Button>
        </div>
      )}
      {!rows &&
        (list.error.value ? (
          <Failure error={list.error.value} what="the benchmarks" retry={() => list.retry()} />
        ) : (
          <Skeleton columns={columns} />
        ))}
      {rows && rows.length === 0 && <Empty isFiltered={isFiltered(filters)} arrived={arrived} onNew={showNew} />}
      {rows && rows.length > 0 && (
        <div class="list-place">
          <div class="arrived-place" role="status">
            {arrived > 0 && (
              <button type="button" class="arrived" title="Show them (.)" onClick={showNew}>
                {count(arrived)} new
              </button>
            )}
          </div>
          <p class="visually-hidden" role="status">
            {copied.value && `Copied ${copied.value}`}
          </p>
          <BenchmarkTable
            rows={rows}
            total={total}
            columns={columns}
            widths={widths}
            order={order}
            selected={selection.value.ids}
            active={active.value}
            cell={cell.value}
            moves={moves.value}
            topAt={topAt.value}
            onNeed={(index) => list.need(index)}
            onOrder={(next) => setQuery(orderChanges(next))}
            onWidth={(id, width) => keep({ widths: { ...kept.value.widths, [id]: width } })}
            onSelect={select}
            onActive={activate}
            onTickAll={() => {
              const ids = rows.map(({ id }) => id);
              selection.value = ids.every((id) => selection.value.ids.has(id)) ? NOTHING : all(ids);
            }}
          />
        </div>
      )}
      {rows && selection.value.ids.size > 0 && (
        <BulkBar
          selection={selection.value}
          rows={rows}
          total={total}
          onAll={async () => {
            selection.value = all(await list.everyId());
          }}
          onClear={() => {
            selection.value = NOTHING;
          }}
          onChanged={(ids) => list.changed(ids)}
        />
      )}
    </div>
  );
}
