import { Dialog } from "../ui/Dialog";
import { MOD, pageShortcuts, type Shortcut } from "./keyboard";

export const PALETTE_KEY = `${MOD} K`;

function Keys({ keys }: { keys: readonly Omit<Shortcut, "run">[] }) {
  return (
    <dl class="keys">
      {keys.map(
        ({ key, name, what }) =>
          what && (
            <div key={key}>
              <dt>
                <kbd>{name ?? key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ),
      )}
    </dl>
  );
}

export function Help({ shortcuts, onClose }: { shortcuts: readonly Shortcut[]; onClose: () => void }) {
  const everywhere = [
    { key: PALETTE_KEY, what: "Go anywhere, do anything" },
    ...shortcuts,
    { key: "d", what: "Duplicate the benchmark that is open" },
    { key: "esc", what: "Close a dialog" },
  ];
  const here = pageShortcuts.value;
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <Keys keys={everywhere} />
      {here.length > 0 && (
        <>
          <h3 class="keys-title">On this page</h3>
          <Keys keys={here} />
        </>
      )}
      <p class="muted keys-note">
        In a chart: arrow keys show its values (with shift in leaps), drag to zoom, double-click to reset, click a name
        in the legend to hide it, alt-click to see it alone.
      </p>
    </Dialog>
  );
}
