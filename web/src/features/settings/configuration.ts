/** The settings of the configuration as a list to look things up in. Pure. */

import type { ConfiguredSetting } from "../../api/types";

/** A value as `config.toml` would have it, without quotes around plain text. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return "not set";
  if (typeof value === "string") return value === "" ? '""' : value;
  if (Array.isArray(value) && value.length === 0) return "none";
  return JSON.stringify(value);
}

export function isSet(setting: ConfiguredSetting): boolean {
  return setting.source !== "default";
}

/**
 * Those that hold every word, by section in the order of the service; empty sections are left out. Without words only
 * those that are set, unless `all` are wanted.
 */
export function sections(
  settings: readonly ConfiguredSetting[],
  text: string,
  all: boolean,
): { section: string; settings: ConfiguredSetting[] }[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = new Map<string, ConfiguredSetting[]>();
  for (const setting of settings) {
    if (!all && words.length === 0 && !isSet(setting)) continue;
    const held = `${setting.key} ${setting.variable} ${setting.description}`.toLowerCase();
    if (!words.every((word) => held.includes(word))) continue;
    const section = setting.key.slice(0, setting.key.lastIndexOf("."));
    found.set(section, [...(found.get(section) ?? []), setting]);
  }
  return [...found].map(([section, members]) => ({ section, settings: members }));
}
