import { useState } from "preact/hooks";
import type { Preset } from "../../api/types";
import { Button } from "../../ui/Button";
import { Panel } from "../../ui/Panel";
import { leftOver } from "./carried";
import type { Draft } from "./draft";
import { PresetCards } from "./PresetCards";
import { buildSpec } from "./spec";
import type { Base } from "./useDraft";

interface StartersProps {
  presets: readonly Preset[];
  base: Base;
  draft: Draft;
  wasRestored: boolean;
  onPreset: (preset: Preset) => void;
  onReset: () => void;
  onBlank: () => void;
  onOpen: () => void;
}

/** Where the form starts from, and what was changed since. */
export function Starters({ presets, base, draft, wasRestored, onPreset, onReset, onBlank, onOpen }: StartersProps) {
  // A blank form for a provider is a blank form.
  const isBlank = base.label === "" && !base.origin.startsWith("file:");
  const [isOpen, setOpen] = useState(isBlank);
  const changed = changes(draft, base);
  return (
    <Panel
      title="Start from"
      aside={
        <>
          <Button kind="quiet" onClick={() => setOpen(!isOpen)}>
            {isOpen ? "Hide presets" : "Presets"}
          </Button>
          <Button kind="quiet" icon="copy" onClick={onOpen}>
            Open a spec
          </Button>
        </>
      }
    >
      {isOpen && (
        <PresetCards
          presets={presets}
          chosen={base.origin.startsWith("preset:") ? base.origin.slice(7) : ""}
          onChoose={onPreset}
        />
      )}
      {(!isBlank || wasRestored) && (
        <p class="based-on" role="status">
          <span>
            {!isBlank ? (
              <>
                Based on <strong>{base.label}</strong>
              </>
            ) : (
              "As you left it"
            )}
            {changed.length > 0 && <span class="muted">, changed: {listed(changed)}</span>}
          </span>
          {changed.length > 0 && !isBlank && <Button onClick={onReset}>Reset</Button>}
          <Button kind="quiet" onClick={onBlank}>
            Start anew
          </Button>
        </p>
      )}
    </Panel>
  );
}

/** Paths of the spec that differ from where it started; the target is not part of what a preset says. */
export function changes(draft: Draft, base: Base): string[] {
  const [now, before] = [buildSpec(draft).spec, buildSpec(base.draft).spec];
  const found = [...leftOver(now, before), ...leftOver(before, now)].map(({ path }) => path);
  return [...new Set(found)].filter(
    (path) => !/^targets(\.\d+\.(provider|model))?$/.test(path) && !(path === "name" && draft.name === ""),
  );
}

const MOST_SHOWN = 4;

function listed(paths: readonly string[]): string {
  const more = paths.length - MOST_SHOWN;
  return paths.slice(0, MOST_SHOWN).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
