import { useState } from "preact/hooks";
import { downloadBenchmarks, downloadResults } from "../../api/endpoints";
import type { BenchmarkListItem } from "../../api/types";
import { navigate } from "../../app/router";
import { may } from "../../app/session";
import { Button } from "../../ui/Button";
import { count } from "../../ui/numbers";
import { Popover } from "../../ui/Popover";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { DeleteDialog, ShareDialog, TagDialog } from "./BulkDialogs";
import { isComparable, LEAST_COMPARED, MOST_COMPARED, type Selection } from "./selection";

interface BarProps {
  selection: Selection;
  rows: readonly BenchmarkListItem[];
  total: number;
  onAll: () => Promise<void>;
  onClear: () => void;
  onChanged: (ids: ReadonlySet<string>) => void;
}

const FORMATS = ["csv", "json", "jsonl"] as const;
/** The service tells so many ids at once. */
const MOST_SELECTED = 10_000;

/** What can be done with what is ticked. */
export function BulkBar({ selection, rows, total, onAll, onClear, onChanged }: BarProps) {
  const [asked, setAsked] = useState<"delete" | "tags" | "share" | null>(null);
  const saving = useAction();
  const picking = useAction();
  const ids = [...selection.ids];
  const loaded = rows.filter((row) => selection.ids.has(row.id));
  const only = ids.length === 1 ? ids[0] : undefined;
  const error = saving.error.value ?? picking.error.value;
  // In the order of the list; the others behind.
  const ordered = [...loaded.map(({ id }) => id), ...ids.filter((id) => !loaded.some((row) => row.id === id))];
  const dialog = { ids: ordered, rows: loaded, onClose: () => setAsked(null), onDone: onChanged };

  return (
    <section class="bulk" aria-label="Selected benchmarks">
      <strong role="status">{count(ids.length)} selected</strong>
      {ids.length < Math.min(total, MOST_SELECTED) && (
        <Button kind="quiet" busy={picking.busy.value} onClick={() => void picking.run(onAll)}>
          {total > MOST_SELECTED
            ? `Select the first ${count(MOST_SELECTED)} that match`
            : `Select all ${count(total)} that match`}
        </Button>
      )}
      {may("results.read") && (
        <Button
          disabled={!isComparable(selection)}
          title={`Compare ${LEAST_COMPARED} to ${MOST_COMPARED} benchmarks`}
          onClick={() => navigate(`/compare?ids=${ordered.join(",")}`)}
        >
          Compare
        </Button>
      )}
      {may("results.export") && (
        <Popover label={saving.busy.value ? "Exporting…" : "Export"} icon="save" above>
          {(close) => (
            <>
              <p class="popover-title">Summaries, one row each</p>
              {FORMATS.map((format) => (
                <button
                  key={format}
                  type="button"
                  class="popover-item"
                  onClick={() => {
                    close();
                    void saving.run(() => downloadBenchmarks(ordered, format));
                  }}
                >
                  {format.toUpperCase()}
                </button>
              ))}
              {only && (
                <>
                  <p class="popover-title">Its results, one row per request</p>
                  {FORMATS.map((format) => (
                    <button
                      key={format}
                      type="button"
                      class="popover-item"
                      onClick={() => {
                        close();
                        void saving.run(() => downloadResults(only, format));
                      }}
                    >
                      Results as {format.toUpperCase()}
                    </button>
                  ))}
                </>
              )}
            </>
          )}
        </Popover>
      )}
      {may("benchmark.share") && (
        <>
          <Button icon="tag" onClick={() => setAsked("tags")}>
            Tags…
          </Button>
          <Button icon="share" onClick={() => setAsked("share")}>
            Share…
          </Button>
        </>
      )}
      {may("benchmark.delete") && (
        <Button kind="danger" icon="bin" onClick={() => setAsked("delete")}>
          Delete…
        </Button>
      )}
      <span class="bulk-end">
        <Button kind="quiet" icon="cross" onClick={onClear}>
          Clear
        </Button>
      </span>
      {error && <Notice error={error} what="Not done." />}
      {asked === "delete" && <DeleteDialog {...dialog} />}
      {asked === "tags" && <TagDialog {...dialog} />}
      {asked === "share" && <ShareDialog {...dialog} />}
    </section>
  );
}
