import { Dialog } from "../ui/Dialog";
import type { Shortcut } from "./keyboard";

export function Help({ shortcuts, onClose }: { shortcuts: readonly Shortcut[]; onClose: () => void }) {
  const keys = [
    ...shortcuts,
    { key: "d", what: "Duplicate the benchmark that is open" },
    { key: "esc", what: "Close a dialog" },
  ];
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="keys">
        {keys.map(({ key, what }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="muted keys-note">
        In a chart: drag to zoom, double-click to reset, click a name in the legend to hide it, alt-click to see it
        alone.
      </p>
    </Dialog>
  );
}
