import { useState } from "preact/hooks";
import { viewQuery } from "../../app/benchmark-query";
import { query } from "../../app/router";
import { Button } from "../../ui/Button";
import { CheckField, TextField } from "../../ui/Field";
import { Icon } from "../../ui/icons";
import { Popover } from "../../ui/Popover";
import { keep, kept } from "./stored";
import { goTo } from "./Toolbar";
import { currentView, deleteView, problemWith, saveView, type View } from "./views";

/** Filters, order and columns under a name. */
export function ViewMenu() {
  const { views } = kept.value;
  const current = currentView(views, query.value);
  return (
    <Popover label={current?.name ?? "Views"} icon="star" side="right" title="Saved views">
      {(close) => <Panel current={current} onClose={close} />}
    </Popover>
  );
}

function Panel({ current, onClose }: { current: View | undefined; onClose: () => void }) {
  const { views, first, columns } = kept.value;
  const [name, setName] = useState("");
  const [withColumns, setWithColumns] = useState(true);
  const [problem, setProblem] = useState<string>();

  const open = (view: View | null) => {
    if (view?.columns) keep({ columns: view.columns });
    goTo(view?.query ?? "");
    onClose();
  };
  const save = () => {
    const view: View = {
      name: name.trim(),
      query: viewQuery(query.value),
      columns: withColumns ? columns : null,
    };
    const found = problemWith(views, view);
    setProblem(found ?? undefined);
    if (found) return;
    keep({ views: saveView(views, view) });
    onClose();
  };

  return (
    <>
      <button type="button" class="popover-item" onClick={() => open(null)}>
        <Icon name={viewQuery(query.value) === "" ? "check" : "minus"} />
        All benchmarks, newest first
      </button>
      {views.map((view) => (
        <div key={view.name} class="view-row">
          <button type="button" class="popover-item" title={view.query || "no filter"} onClick={() => open(view)}>
            <Icon name={view === current ? "check" : "minus"} />
            <span class="view-name">{view.name}</span>
          </button>
          <button
            type="button"
            class="icon-button"
            aria-pressed={view.name === first}
            aria-label={`Open the list with ${view.name}`}
            title="Open the list with this view"
            onClick={() => keep({ first: view.name === first ? null : view.name })}
          >
            <Icon name="star" />
          </button>
          <button
            type="button"
            class="icon-button"
            aria-label={`Delete the view ${view.name}`}
            title="Delete this view"
            onClick={() => keep({ views: deleteView(views, view.name), first: view.name === first ? null : first })}
          >
            <Icon name="bin" />
          </button>
        </div>
      ))}
      <form
        class="view-new"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <TextField
          label="Save what is shown as"
          value={name}
          problem={problem}
          list={views.map((view) => view.name)}
          placeholder="Nightly, failed"
          onInput={setName}
        />
        <CheckField label="with its columns" checked={withColumns} onInput={setWithColumns} />
        <Button type="submit" kind="primary">
          {views.some((view) => view.name === name.trim()) ? "Save over it" : "Save view"}
        </Button>
      </form>
    </>
  );
}
