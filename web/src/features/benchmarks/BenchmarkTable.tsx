import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { BenchmarkListItem } from "../../api/types";
import type { Order } from "../../app/benchmark-query";
import { navigate } from "../../app/router";
import { CopyCell } from "../../ui/CopyCell";
import { layoutOf } from "./cells";
import type { ColumnId, Widths } from "./columns";
import { copiedOf } from "./copied";
import { Head } from "./Head";
import { gridOf, isNarrowed, leastWidth, PHONE_HEIGHT, ROW_HEIGHT, TICK_WIDTH, widthOf } from "./measures";
import { Rows } from "./Rows";
import { usePhone } from "./usePhone";
import { useWindow } from "./useWindow";
import "../../ui/table.css";
import "./table.css";
import "./cards.css";

interface TableProps {
  rows: readonly BenchmarkListItem[];
  /** How many there are in all; those that are not loaded are drawn as empty rows. */
  total: number;
  columns: readonly ColumnId[];
  widths: Widths;
  order: Order;
  selected: ReadonlySet<string>;
  active: string | null;
  /** The cell of the active row that keys have chosen. */
  cell: ColumnId | null;
  /** Counts the moves of `active` by keys: each puts the focus there. */
  moves: number;
  onNeed: (index: number) => void;
  onOrder: (order: Order) => void;
  onWidth: (id: ColumnId, width: number) => void;
  onSelect: (id: string, withRange: boolean) => void;
  onTickAll: () => void;
  onActive: (id: string) => void;
  /** Given the number: begins at the top again when it changes. */
  topAt: number;
}

/** The list as a table of any length: only rows in sight are in the page. At phone width each row is a card. */
export function BenchmarkTable(props: TableProps) {
  const { rows, total, columns, widths, order, selected, active, cell, moves, topAt } = props;
  const isPhone = usePhone();
  const rowHeight = isPhone ? PHONE_HEIGHT : ROW_HEIGHT;
  const frame = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const sight = useSignal(0);
  // Also when rows have come, but not with each live number: the columns would jitter.
  const layout = useMemo(() => layoutOf(rows), [rows.length, rows[0]?.id]);
  const width = useCallback((id: ColumnId) => widthOf(id, widths), [widths]);

  const need = (to: number) => {
    if (to > rows.length && rows.length < total) props.onNeed(to);
  };
  const [slots, look] = useWindow({
    frame,
    body,
    rowHeight,
    total,
    isPhone,
    onSight: (to) => {
      sight.value = to;
      need(to);
    },
  });
  useEffect(() => need(sight.peek()), [rows.length, total]);

  useEffect(() => {
    if (topAt === 0) return;
    frame.current?.scrollTo({ top: 0 });
    scrollTo({ top: 0 });
  }, [topAt]);

  // A key moved to a row: it comes into sight first, and then gets the focus.
  useLayoutEffect(() => {
    const index = active === null ? -1 : rows.findIndex((row) => row.id === active);
    if (moves === 0 || index < 0) return;
    showRow(frame.current, body.current, index, rowHeight);
    look();
    requestAnimationFrame(() => focusRow(body.current, active));
  }, [moves]);

  useLayoutEffect(() => {
    body.current?.querySelector(".cell-chosen")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [cell]);

  // Rows above it have gone, and an element keeps its place and not its row: the focus follows the row.
  useEffect(() => {
    const focused = body.current?.contains(document.activeElement) ? document.activeElement : null;
    const id = focused?.closest<HTMLElement>(".list-row")?.dataset.id;
    if (id !== undefined && active !== null && id !== active) focusRow(body.current, active);
  }, [rows]);

  const rowAt = (target: EventTarget | null): BenchmarkListItem | undefined => {
    const element = target instanceof Element ? target.closest<HTMLElement>(".list-row") : null;
    return element ? rows[Number(element.dataset.index)] : undefined;
  };
  const onClick = (event: MouseEvent) => {
    const row = rowAt(event.target);
    if (!row || !(event.target instanceof Element)) return;
    if (event.target instanceof HTMLInputElement) {
      props.onSelect(row.id, event.shiftKey);
      // What is ticked is what the selection says, also when the range left it as it was.
      event.target.checked = selected.has(row.id);
      return;
    }
    const isLink = event.target.closest("a") !== null;
    if (event.target.closest(".cell-tick, button")) return;
    if (event.shiftKey || event.ctrlKey || event.metaKey) {
      if (!event.shiftKey && isLink) return; // a new tab
      event.preventDefault();
      props.onSelect(row.id, event.shiftKey);
    } else if (!isLink && getSelection()?.type !== "Range") {
      navigate(`/benchmarks/${row.id}`);
    }
  };

  const loadedSelected = rows.length > 0 && rows.every((row) => selected.has(row.id));
  return (
    // What stays in sight at the left covers that much of it.
    <div ref={frame} class="list-frame" style={{ scrollPaddingLeft: `${TICK_WIDTH + width("name")}px` }}>
      <table
        class={`table cards benchmark-table${isNarrowed(widths) ? " narrow" : ""}`}
        style={{ "--least": `${leastWidth(columns, widths)}px`, "--columns": gridOf(columns, widths) }}
        aria-rowcount={total + 1}
        aria-label="Benchmarks"
      >
        <Head
          columns={columns}
          widthOf={width}
          layout={layout}
          order={order}
          onOrder={props.onOrder}
          onWidth={props.onWidth}
          ticked={loadedSelected ? "all" : selected.size > 0 ? "some" : "none"}
          onTickAll={props.onTickAll}
        />
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the page listens for keys */}
        <tbody
          ref={body}
          style={{ height: `${total * rowHeight}px` }}
          onMouseDown={(event) => {
            if (event.shiftKey && rowAt(event.target)) event.preventDefault(); // else the browser marks the text in between
          }}
          onClick={onClick}
          onFocusIn={(event) => {
            const row = rowAt(event.target);
            if (row && event.target instanceof HTMLAnchorElement) props.onActive(row.id);
          }}
        >
          <Rows
            slots={slots}
            rows={rows}
            rowHeight={rowHeight}
            columns={columns}
            layout={layout}
            selected={selected}
            active={active}
            cell={cell}
          />
        </tbody>
      </table>
      <CopyCell
        frame={frame}
        textOf={(element) => {
          const row = rowAt(element);
          const column = columns.find((id) => id === element.dataset.column);
          return row && column ? copiedOf(column, row, layout) : "";
        }}
      />
    </div>
  );
}

function focusRow(body: HTMLElement | null, id: string | null): void {
  body?.querySelector<HTMLElement>(`tr[data-id="${id}"] .cell-name a`)?.focus({ preventScroll: true });
}

/** Scrolls so far that a row is in sight, and no further. */
function showRow(frame: HTMLElement | null, body: HTMLElement | null, index: number, rowHeight: number): void {
  if (!frame || !body) return;
  const head = frame.querySelector("thead")?.getBoundingClientRect().height ?? 0;
  const top = body.getBoundingClientRect().top + index * rowHeight;
  const scrollsItself = frame.scrollHeight > frame.clientHeight + 1;
  const seen = frame.getBoundingClientRect();
  const from = scrollsItself ? seen.top + head : 0;
  // The page's foot, and the bar of what is selected, cover its end.
  const to = scrollsItself ? seen.top + frame.clientHeight : innerHeight - 96;
  const by = top < from ? top - from : top + rowHeight > to ? top + rowHeight - to : 0;
  if (by !== 0) (scrollsItself ? frame : window).scrollBy({ top: by });
}
