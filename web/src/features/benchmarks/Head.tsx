import type { Order } from "../../app/benchmark-query";
import { nextOrder } from "../../app/benchmark-query";
import { Icon } from "../../ui/icons";
import { type Layout, unitOf } from "./cells";
import { type ColumnId, clamp, columnOf } from "./columns";

interface HeadProps {
  columns: readonly ColumnId[];
  widthOf: (id: ColumnId) => number;
  layout: Layout;
  order: Order;
  onOrder: (order: Order) => void;
  onWidth: (id: ColumnId, width: number) => void;
  ticked: "none" | "some" | "all";
  onTickAll: () => void;
}

const ARIA = { asc: "ascending", desc: "descending" } as const;
const KEY_STEP = 16;

/** The heads of the columns: a click sorts, the edge at the right can be dragged, alt and an arrow key do the same. */
export function Head({ columns, widthOf, layout, order, onOrder, onWidth, ticked, onTickAll }: HeadProps) {
  return (
    <thead>
      <tr aria-rowindex={1}>
        <th scope="col" class="cell-tick">
          <label>
            <input
              type="checkbox"
              aria-label="Select all loaded rows"
              checked={ticked === "all"}
              ref={(box) => {
                if (box) box.indeterminate = ticked === "some";
              }}
              onInput={onTickAll}
            />
          </label>
        </th>
        {columns.map((id) => {
          const { label, sort, isRight } = columnOf(id);
          const isSorted = order.sort === sort;
          const unit = unitOf(id, layout);
          const arrow = isSorted && <Icon name={order.direction === "asc" ? "up" : "fall"} />;
          return (
            <th
              key={id}
              scope="col"
              class={`cell-${id}${isRight ? " right" : ""}`}
              aria-sort={isSorted ? ARIA[order.direction] : "none"}
            >
              <button
                type="button"
                class="sort"
                title={`Sort by ${label}; Alt + arrow keys change the width`}
                onClick={() => onOrder(nextOrder(order, sort))}
                onKeyDown={(event) => {
                  const by = event.altKey ? { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key] : undefined;
                  if (by === undefined) return;
                  event.preventDefault();
                  onWidth(id, clamp((event.currentTarget.parentElement?.offsetWidth ?? widthOf(id)) + by));
                }}
              >
                <span class="sort-label">
                  {label}
                  {unit ? (
                    <span class="unit">
                      {arrow}
                      {unit}
                    </span>
                  ) : (
                    arrow
                  )}
                </span>
              </button>
              <span
                class="resize"
                aria-hidden="true"
                onPointerDown={(event) => {
                  event.preventDefault();
                  const grip = event.currentTarget;
                  const from = event.clientX - (grip.parentElement?.offsetWidth ?? widthOf(id));
                  const move = (moved: PointerEvent) => onWidth(id, clamp(moved.clientX - from));
                  grip.setPointerCapture(event.pointerId);
                  grip.addEventListener("pointermove", move);
                  const stop = () => grip.removeEventListener("pointermove", move);
                  grip.addEventListener("pointerup", stop, { once: true });
                  grip.addEventListener("pointercancel", stop, { once: true });
                }}
              />
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
