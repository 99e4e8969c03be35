import type { Signal } from "@preact/signals";
import type { BenchmarkListItem } from "../../api/types";
import { useNow } from "../../ui/useNow";
import type { Layout } from "./cells";
import type { ColumnId } from "./columns";
import { Row } from "./Row";
import type { Slot } from "./virtual";

interface RowsProps {
  slots: Signal<readonly Slot[]>;
  rows: readonly BenchmarkListItem[];
  rowHeight: number;
  columns: readonly ColumnId[];
  layout: Layout;
  selected: ReadonlySet<string>;
  active: string | null;
  cell: ColumnId | null;
}

/** The rows that are in the page. Scrolling draws this alone, and of it only what has come into sight. */
export function Rows({ slots, rows, rowHeight, columns, layout, selected, active, cell }: RowsProps) {
  const now = useNow(10_000);
  return (
    <>
      {slots.value.map(({ key, index }) => {
        const row = rows[index];
        const isActive = row !== undefined && row.id === active;
        return (
          <Row
            key={key}
            row={row}
            index={index}
            height={rowHeight}
            columns={columns}
            layout={layout}
            now={now}
            isSelected={row !== undefined && selected.has(row.id)}
            isActive={isActive}
            cell={isActive ? cell : null}
          />
        );
      })}
    </>
  );
}
