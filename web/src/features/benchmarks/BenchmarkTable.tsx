import { useSignal } from "@preact/signals";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import type { BenchmarkListItem } from "../../api/types";
import type { Order } from "../../app/benchmark-query";
import { useNow } from "../../ui/useNow";
import { layoutOf } from "./cells";
import { type ColumnId, columnOf, type Widths } from "./columns";
import { Head } from "./Head";
import { Row, SkeletonRow } from "./Row";
import { rangeInSight } from "./virtual";
import "../../ui/table.css";
import "./table.css";

const TICK_WIDTH = 34;

interface TableProps {
  rows: readonly BenchmarkListItem[];
  /** How many there are in all; those that are not loaded are drawn as empty rows. */
  total: number;
  columns: readonly ColumnId[];
  widths: Widths;
  order: Order;
  selected: ReadonlySet<string>;
  active: string | null;
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
  const { rows, total, columns, widths, order, selected, active, moves, onNeed, topAt } = props;
  const now = useNow(10_000);
  const frame = useRef<HTMLDivElement>(null);
  const body = useRef<HTMLTableSectionElement>(null);
  const range = useSignal(rangeInSight(0, 800, 34, total));
  const rowHeight = useSignal(34);
  // Also when rows have come, but not with each live number: the columns would jitter.
  const layout = useMemo(() => layoutOf(rows), [rows.length, rows[0]?.id]);
  const widthOf = useCallback((id: ColumnId) => widths[id] ?? columnOf(id).width, [widths]);

  const measure = useCallback(() => {
    const scroller = frame.current;
    const inside = body.current;
    if (!scroller || !inside) return;
    rowHeight.value = Number.parseFloat(getComputedStyle(inside).getPropertyValue("--row-height")) || 34;
    const seen = scroller.getBoundingClientRect();
    const top = Math.max(0, seen.top) - inside.getBoundingClientRect().top;
    const height = Math.min(seen.bottom, innerHeight) - Math.max(0, seen.top);
    const next = rangeInSight(top, height, rowHeight.value, total);
    if (next.from !== range.value.from || next.to !== range.value.to) range.value = next;
  }, [total]);

  useLayoutEffect(measure, [measure, columns]);
  useEffect(() => {
    let frameId = 0;
    const soon = () => {
      cancelAnimationFrame(frameId);
      frameId = requestAnimationFrame(measure);
    };
    const scroller = frame.current;
    scroller?.addEventListener("scroll", soon, { passive: true });
    addEventListener("scroll", soon, { passive: true });
    const observer = new ResizeObserver(soon);
    if (scroller) observer.observe(scroller);
    return () => {
      cancelAnimationFrame(frameId);
      scroller?.removeEventListener("scroll", soon);
      removeEventListener("scroll", soon);
      observer.disconnect();
    };
  }, [measure]);

  const { from, to } = range.value;
  useEffect(() => {
    if (to > rows.length && rows.length < total) onNeed(to);
  }, [to, rows.length, total]);

  useEffect(() => {
    if (topAt === 0) return;
    frame.current?.scrollTo({ top: 0 });
    scrollTo({ top: 0 });
  }, [topAt]);

  // A key moved to a row: it comes into sight first, and then gets the focus.
  useLayoutEffect(() => {
    const index = active === null ? -1 : rows.findIndex((row) => row.id === active);
    if (moves === 0 || index < 0) return;
    showRow(frame.current, body.current, index, rowHeight.value);
    measure();
    requestAnimationFrame(() => {
      body.current?.querySelector<HTMLElement>(`tr[data-id="${active}"] .cell-name a`)?.focus({ preventScroll: true });
    });
  }, [moves]);

  const loadedSelected = rows.length > 0 && rows.every((row) => selected.has(row.id));
  const drawn = [];
  for (let index = from; index < Math.min(to, total); index++) {
    const row = rows[index];
    drawn.push(
      row ? (
        <Row
          key={row.id}
          row={row}
          index={index}
          columns={columns}
          layout={layout}
          now={now}
          isSelected={selected.has(row.id)}
          isActive={row.id === active}
          onSelect={props.onSelect}
          onActive={props.onActive}
        />
      ) : (
        <SkeletonRow key={`none-${index}`} index={index} columns={columns} />
      ),
    );
  }
  const least = TICK_WIDTH + columns.reduce((sum, id) => sum + widthOf(id), 0);

  return (
    <div ref={frame} class="list-frame">
      <table
        class="table cards benchmark-table"
        style={{ "--least": `${least}px` }}
        aria-rowcount={total + 1}
        aria-label="Benchmarks"
      >
        <colgroup>
          <col style={{ width: `${TICK_WIDTH}px` }} />
          {columns.map((id) => (
            // The name has what the others leave.
            <col key={id} style={id === "name" && widths.name === undefined ? {} : { width: `${widthOf(id)}px` }} />
          ))}
        </colgroup>
        <Head
          columns={columns}
          widthOf={widthOf}
          layout={layout}
          order={order}
          onOrder={props.onOrder}
          onWidth={props.onWidth}
          ticked={loadedSelected ? "all" : selected.size > 0 ? "some" : "none"}
          onTickAll={props.onTickAll}
        />
        <tbody ref={body}>
          <Gap rows={from} height={rowHeight.value} />
          {drawn}
          <Gap rows={Math.max(0, total - to)} height={rowHeight.value} />
        </tbody>
      </table>
    </div>
  );
}

/** Stands for the rows that are out of sight. */
function Gap({ rows, height }: { rows: number; height: number }) {
  if (rows <= 0) return null;
  return (
    <tr class="list-gap" style={{ height: `${rows * height}px` }}>
      <td />
    </tr>
  );
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
