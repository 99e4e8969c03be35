import { Component } from "preact";
import type { BenchmarkListItem } from "../../api/types";
import { cellOf, type Layout, unitOf } from "./cells";
import { type ColumnId, columnOf } from "./columns";

export interface RowProps {
  /** Undefined until it is loaded: its place is as high, so that nothing moves when it comes. */
  row: BenchmarkListItem | undefined;
  /** From 0 over the whole list. */
  index: number;
  /** In px. */
  height: number;
  columns: readonly ColumnId[];
  layout: Layout;
  now: number;
  isSelected: boolean;
  isActive: boolean;
  /** The cell that keys have chosen in it. */
  cell: ColumnId | null;
}

/**
 * One row, or its empty place. Scrolling and live numbers of other rows leave it alone: it is drawn anew only when it
 * has changed itself. The table listens for all of its rows.
 */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const now = this.props;
    return (
      next.row !== now.row ||
      next.index !== now.index ||
      next.isSelected !== now.isSelected ||
      next.isActive !== now.isActive ||
      next.cell !== now.cell ||
      next.now !== now.now ||
      next.layout !== now.layout ||
      next.columns !== now.columns ||
      next.height !== now.height
    );
  }

  override render({ row, index, height, columns, layout, now, isSelected, isActive, cell: chosen }: RowProps) {
    // Moved and not laid out: a transform costs no layout of the table.
    const place = `transform:translateY(${index * height}px)`;
    if (!row) return <Bones index={index} columns={columns} style={place} />;
    return (
      <tr
        class={isActive ? "list-row list-row-active" : "list-row"}
        style={place}
        aria-rowindex={index + 2}
        aria-selected={isSelected}
        data-id={row.id}
        data-index={index}
      >
        <td class="cell-tick">
          <label>
            <input type="checkbox" tabIndex={-1} aria-label={`Select ${row.name}`} checked={isSelected} />
          </label>
        </td>
        {columns.map((id) => {
          const mark = isActive && chosen === id ? " cell-chosen" : "";
          if (id === "name") {
            return (
              <th key={id} scope="row" class={`cell-name${mark}`} title={row.name} data-column={id}>
                <a href={`/benchmarks/${row.id}`}>{row.name}</a>
                {!columns.includes("tags") &&
                  row.tags.map((tag) => (
                    <span key={tag} class="tag">
                      {tag}
                    </span>
                  ))}
              </th>
            );
          }
          const cell = cellOf(id, row, layout, now);
          const { label, isRight } = columnOf(id);
          const unit = unitOf(id, layout);
          return (
            <td
              key={id}
              class={`cell-${id}${isRight ? " right" : ""}${cell.class ? ` ${cell.class}` : ""}${mark}`}
              title={cell.title}
              data-column={id}
              data-label={unit ? `${label}, ${unit}` : label}
            >
              {cell.text}
            </td>
          );
        })}
      </tr>
    );
  }
}

interface BonesProps {
  index: number;
  columns: readonly ColumnId[];
  style?: string;
}

/** Where a row will be. */
export function Bones({ columns, index, style }: BonesProps) {
  return (
    <tr class="list-row list-skeleton" style={style} aria-rowindex={index + 2} data-index={index}>
      <td class="cell-tick" />
      {columns.map((id) => (
        <td key={id} class={`cell-${id}`}>
          <span class="bone" />
        </td>
      ))}
    </tr>
  );
}
