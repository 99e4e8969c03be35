import type { Preset } from "../../api/types";

interface PresetCardsProps {
  presets: readonly Preset[];
  chosen: string;
  onChoose: (preset: Preset) => void;
}

/** Specs to start from, each with its purpose. */
export function PresetCards({ presets, chosen, onChoose }: PresetCardsProps) {
  return (
    <ul class="presets">
      {presets.map((preset) => (
        <li key={preset.name}>
          <button type="button" class="preset" aria-pressed={preset.name === chosen} onClick={() => onChoose(preset)}>
            <strong>{preset.title}</strong>
            <span>{preset.purpose}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
