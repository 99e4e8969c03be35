import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { Popover } from "../../ui/Popover";
import { ALL, type ColumnId, columnOf, moveColumn, toggleColumn } from "./columns";
import { keep, kept } from "./stored";

/** Which columns are shown, and in what order; kept for the user. */
export function ColumnMenu({ columns }: { columns: readonly ColumnId[] }) {
  const isFitting = kept.value.columns === "fitting";
  const hidden = ALL.filter((id) => !columns.includes(id));
  // What fits changes with the window: then every column has its usual place here.
  const listed = isFitting ? ALL : [...columns, ...hidden];
  const isUsual = isFitting && Object.keys(kept.value.widths).length === 0;
  return (
    <Popover label="Columns" icon="columns" side="right">
      {() => (
        <>
          {listed.map((id) => {
            const at = columns.indexOf(id);
            const { label } = columnOf(id);
            return (
              <div key={id} class="column-row">
                <label>
                  <input
                    type="checkbox"
                    checked={at >= 0}
                    disabled={id === "name"}
                    onInput={() => keep({ columns: toggleColumn(columns, id) })}
                  />
                  {label}
                </label>
                <button
                  type="button"
                  class="icon-button"
                  aria-label={`Move ${label} to the left`}
                  disabled={at <= 0}
                  onClick={() => keep({ columns: moveColumn(columns, id, -1) })}
                >
                  <Icon name="up" />
                </button>
                <button
                  type="button"
                  class="icon-button"
                  aria-label={`Move ${label} to the right`}
                  disabled={at < 0 || at === columns.length - 1}
                  onClick={() => keep({ columns: moveColumn(columns, id, 1) })}
                >
                  <Icon name="fall" />
                </button>
              </div>
            );
          })}
          {isFitting && hidden.length > 0 && (
            <p class="muted column-note">Those that fit the window. Tick another, and the table scrolls sideways.</p>
          )}
          <Button kind="quiet" disabled={isUsual} onClick={() => keep({ columns: "fitting", widths: {} })}>
            As at first
          </Button>
        </>
      )}
    </Popover>
  );
}
