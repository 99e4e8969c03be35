import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { BenchmarkListItem, Visibility } from "../../api/types";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SelectField, TextField } from "../../ui/Field";
import { count } from "../../ui/numbers";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { changeAll, deleteAll, forEach, type Outcome } from "./bulk";
import { headlineOf } from "./rows";

interface DialogProps {
  ids: readonly string[];
  /** Those of them that are loaded. */
  rows: readonly BenchmarkListItem[];
  onClose: () => void;
  /** What was changed, also when the rest failed. */
  onDone: (ids: ReadonlySet<string>) => void;
}

export function benchmarks(number: number): string {
  return `${count(number)} ${number === 1 ? "benchmark" : "benchmarks"}`;
}

interface WorkProps extends DialogProps {
  title: string;
  action: string;
  keepWord: string;
  isDanger?: boolean;
  isReady?: boolean;
  send: Parameters<typeof forEach>[1];
  children: ComponentChildren;
}

/** Asks, works through all of them, and then says what was left and why. */
function Work(props: WorkProps) {
  const { ids, title, action, keepWord, isDanger, isReady = true, send, children, onClose, onDone } = props;
  const { busy, error, run } = useAction();
  const [number, setNumber] = useState(0);
  const [left, setLeft] = useState<Outcome["refused"] | null>(null);
  const start = async () => {
    const outcome: Outcome = { done: new Set(), refused: new Map() };
    const worked = await run(() => forEach(ids, send, outcome, setNumber));
    onDone(outcome.done);
    if (worked && outcome.refused.size === 0) onClose();
    else setLeft(outcome.refused);
  };
  if (left) {
    return (
      <Dialog title={`Not all of them`} onClose={onClose}>
        <div class="dialog-text">
          {error.value && (
            <Notice error={error.value} what={`Stopped after ${count(number)} of ${count(ids.length)}.`} />
          )}
          <ul class="dialog-list">
            {[...left].map(([why, times]) => (
              <li key={why}>
                {benchmarks(times)}: {why}
              </li>
            ))}
          </ul>
        </div>
        <div class="dialog-actions">
          <Button onClick={onClose}>Close</Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title={title} onClose={busy.value ? () => {} : onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void start();
        }}
      >
        <div class="dialog-text">
          {children}
          {busy.value && ids.length > 1 && (
            <p role="status" class="muted">
              {count(number)} of {count(ids.length)}…
            </p>
          )}
        </div>
        <div class="dialog-actions">
          <Button disabled={busy.value} onClick={onClose}>
            {keepWord}
          </Button>
          <Button type="submit" kind={isDanger ? "danger" : "primary"} busy={busy.value} disabled={!isReady}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const NAMED = 8;

export function DeleteDialog(props: DialogProps) {
  const { ids, rows } = props;
  const requests = rows.reduce((sum, row) => sum + (headlineOf(row)?.requests ?? 0), 0);
  const only = ids.length === 1 ? rows[0] : undefined;
  const title = only ? `Delete “${only.name}”?` : `Delete ${benchmarks(ids.length)}?`;
  const unloaded = ids.length - rows.length;
  return (
    <Work
      {...props}
      title={title}
      action={only ? "Delete it" : `Delete ${benchmarks(ids.length)}`}
      keepWord={only ? "Keep it" : "Keep them"}
      isDanger
      send={deleteAll}
    >
      {!only && rows.length > 0 && (
        <ul class="dialog-list">
          {rows.slice(0, NAMED).map((row) => (
            <li key={row.id}>{row.name}</li>
          ))}
          {ids.length > Math.min(NAMED, rows.length) && (
            <li>and {count(ids.length - Math.min(NAMED, rows.length))} more</li>
          )}
        </ul>
      )}
      <p>
        {requests > 0 && (
          <>
            With {only ? "it" : "them"} go the results of {unloaded > 0 ? "more than " : ""}
            {count(requests)} measured {requests === 1 ? "request" : "requests"}, charts and reports.{" "}
          </>
        )}
        <strong>This cannot be undone.</strong> Running benchmarks, and those of others, are left.
      </p>
    </Work>
  );
}

function tagsOf(text: string): string[] {
  return [...new Set(text.split(",").map((tag) => tag.trim()))].filter(Boolean);
}

const MOST_CHARACTERS = 64;

export function TagDialog(props: DialogProps) {
  const [add, setAdd] = useState("");
  const [remove, setRemove] = useState("");
  const added = tagsOf(add);
  const removed = tagsOf(remove);
  const problem = (tags: readonly string[]) =>
    tags.some((tag) => tag.length > MOST_CHARACTERS) ? `at most ${MOST_CHARACTERS} characters each` : undefined;
  const both = added.find((tag) => removed.includes(tag));
  const known = [...new Set(props.rows.flatMap((row) => row.tags))].sort();
  return (
    <Work
      {...props}
      title={`Tags of ${benchmarks(props.ids.length)}`}
      action="Change tags"
      keepWord="Leave them"
      isReady={added.length + removed.length > 0 && !both && !problem(added) && !problem(removed)}
      send={changeAll({ add_tags: added, remove_tags: removed })}
    >
      <div class="tag-fields">
        <TextField
          label="Add"
          hint="several with commas between"
          value={add}
          problem={problem(added) ?? (both && `${both} is both to add and to remove`)}
          onInput={setAdd}
          autoFocus
        />
        <TextField
          label="Remove"
          hint={known.length > 0 ? `they have ${known.slice(0, 12).join(", ")}` : undefined}
          value={remove}
          problem={problem(removed)}
          onInput={setRemove}
        />
      </div>
    </Work>
  );
}

export function ShareDialog(props: DialogProps) {
  const [visibility, setVisibility] = useState<Visibility>("team");
  return (
    <Work
      {...props}
      title={`Share ${benchmarks(props.ids.length)}`}
      action="Share"
      keepWord="Leave it"
      send={changeAll({ visibility })}
    >
      <SelectField
        label="Who sees them"
        hint="Others see them and cannot change them; links to them work for whoever sees them."
        value={visibility}
        options={[
          { value: "private", label: "only their owner" },
          { value: "team", label: "the owner's team" },
          { value: "all", label: "everybody who can sign in" },
        ]}
        onInput={(value) => setVisibility(value as Visibility)}
      />
    </Work>
  );
}
