/** The settings that change at run time: their words, and from the form to what is sent. Pure. */

import type { ConfiguredSetting, RuntimeSettings, RuntimeSettingsUpdate } from "../../api/types";

export const RUNTIME = [
  {
    name: "rate_limit_requests_per_minute",
    label: "Requests of one caller",
    unit: "per minute",
    hint: "0 switches the limit off.",
  },
  { name: "max_running_benchmarks", label: "Benchmarks that run at once", unit: "", hint: "Others wait their turn." },
  {
    name: "default_visibility",
    label: "A new benchmark is shared with",
    unit: "",
    hint: "When its owner does not say. What there is already stays as it is.",
  },
  {
    name: "retention_days",
    label: "Ended benchmarks are kept",
    unit: "days",
    hint: "0 keeps them for ever. Older ones are deleted with their results.",
  },
] as const;

export type RuntimeName = (typeof RUNTIME)[number]["name"];

export const RUNTIME_LABELS = Object.fromEntries(RUNTIME.map(({ name, label }) => [name, label])) as Record<
  RuntimeName,
  string
>;

export const VISIBILITIES = [
  { value: "private", label: "nobody (private)" },
  { value: "team", label: "its owner's team" },
  { value: "all", label: "everybody" },
] as const;

/** As typed; null goes back to the configuration. */
export type RuntimeDraft = Record<RuntimeName, string | null>;

export function draftOf(settings: RuntimeSettings): RuntimeDraft {
  return Object.fromEntries(RUNTIME.map(({ name }) => [name, String(settings[name])])) as RuntimeDraft;
}

/** Only what differs; null when nothing does. What is no number goes as it was typed: the service says what is wrong. */
export function changesOf(draft: RuntimeDraft, settings: RuntimeSettings): RuntimeSettingsUpdate | null {
  const changes: Record<string, string | number | null> = {};
  for (const { name } of RUNTIME) {
    const typed = draft[name];
    if (typed === null) {
      if (settings.changed.includes(name)) changes[name] = null;
      continue;
    }
    if (typed.trim() === String(settings[name])) continue;
    const isNumber = name !== "default_visibility" && /^[+-]?\d+(\.\d+)?$/.test(typed.trim());
    changes[name] = isNumber ? Number(typed) : typed.trim();
  }
  return Object.keys(changes).length > 0 ? (changes as RuntimeSettingsUpdate) : null;
}

/** What the configuration says of a setting that can change at run time. */
export function configuredValue(
  configuration: readonly ConfiguredSetting[] | null,
  name: RuntimeName,
): ConfiguredSetting | undefined {
  return configuration?.find((setting) => setting.runtime_name === name);
}
