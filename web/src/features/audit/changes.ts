/** What an entry says of a change, as rows that can be read. Pure. */

export interface ChangeRow {
  name: string;
  before?: string;
  after?: string;
}

export interface ReadableChanges {
  /** Field by field, where the entry has a state before or after. */
  rows: ChangeRow[];
  /** Everything else that it says. */
  facts: { name: string; value: string }[];
}

type Json = Record<string, unknown>;

function asObject(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

function written(value: unknown): string {
  if (value === null || value === undefined) return "nothing";
  if (typeof value === "string") return value === "" ? "(empty)" : value;
  return JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
}

/** Objects are taken apart into their fields, with the path as name. */
function flat(value: Json, prefix = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, part] of Object.entries(value)) {
    const inner = asObject(part);
    if (inner && Object.keys(inner).length > 0) {
      for (const [path, text] of flat(inner, `${prefix}${name}.`)) found.set(path, text);
    } else {
      found.set(prefix + name, written(part));
    }
  }
  return found;
}

export function readableChanges(changes: Json): ReadableChanges {
  const before = asObject(changes.before);
  const after = asObject(changes.after);
  const rest = Object.entries(changes).filter(
    ([name]) => !(name === "before" && before) && !(name === "after" && after),
  );
  const facts = [...flat(Object.fromEntries(rest))].map(([name, value]) => ({ name, value }));
  if (!before && !after) {
    return { rows: [], facts };
  }
  const old = flat(before ?? {});
  const fresh = flat(after ?? {});
  const rows = [...new Set([...old.keys(), ...fresh.keys()])].map((name) => ({
    name,
    before: old.get(name),
    after: fresh.get(name),
  }));
  return { rows, facts };
}
