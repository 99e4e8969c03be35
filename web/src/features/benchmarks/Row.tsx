import { Component } from "preact";
import type { BenchmarkListItem } from "../../api/types";
import { navigate } from "../../app/router";
import { cellOf, type Layout, unitOf } from "./cells";
import { type ColumnId, columnOf } from "./columns";

export interface RowProps {
  row: BenchmarkListItem;
  /** From 0 over the whole list. */
  index: number;
  columns: readonly ColumnId[];
  layout: Layout;
  now: number;
  isSelected: boolean;
  isActive: boolean;
  onSelect: (id: string, withRange: boolean) => void;
  onActive: (id: string) => void;
}

/** One row. Scrolling and live numbers of other rows leave it alone: it is drawn anew only when it has changed itself. */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render({ row, index, columns, layout, now, isSelected, isActive, onSelect, onActive }: RowProps) {
    const href = `/benchmarks/${row.id}`;
    return (
      <tr
        class={`list-row${isActive ? " list-row-active" : ""}`}
        aria-rowindex={index + 2}
        aria-selected={isSelected}
        data-id={row.id}
        onMouseDown={(event) => {
          if (event.shiftKey) event.preventDefault(); // else the browser marks the text in between
        }}
        onClick={(event) => {
          if (event.target instanceof Element && event.target.closest(".cell-tick, button")) return;
          if (event.shiftKey || event.ctrlKey || event.metaKey) {
            if (!event.shiftKey && event.target instanceof Element && event.target.closest("a")) return; // a new tab
            event.preventDefault();
            onSelect(row.id, event.shiftKey);
          } else if (
            getSelection()?.type !== "Range" &&
            !(event.target instanceof Element && event.target.closest("a"))
          ) {
            navigate(href);
          }
        }}
      >
        <td class="cell-tick">
          <label>
            <input
              type="checkbox"
              tabIndex={-1}
              aria-label={`Select ${row.name}`}
              checked={isSelected}
              onClick={(event) => {
                onSelect(row.id, event.shiftKey);
                // What is ticked is what the selection says, also when the range left it as it was.
                event.currentTarget.checked = isSelected;
              }}
            />
          </label>
        </td>
        {columns.map((id) => {
          if (id === "name") {
            return (
              <th key={id} scope="row" class="cell-name" title={row.name}>
                <a href={href} onFocus={() => onActive(row.id)}>
                  {row.name}
                </a>
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
              class={`cell-${id}${isRight ? " right" : ""} ${cell.class ?? ""}`}
              title={cell.title}
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

/** Where a row will be: as high as one, so that nothing moves when it comes. */
export function SkeletonRow({ columns, index }: { columns: readonly ColumnId[]; index: number }) {
  return (
    <tr class="list-row list-skeleton" aria-rowindex={index + 2}>
      <td class="cell-tick" />
      {columns.map((id) => (
        <td key={id} class={`cell-${id}`}>
          <span class="bone" />
        </td>
      ))}
    </tr>
  );
}
