/** Parts of a spec that no field of the form shows: they stay in it, and are listed rather than lost. */

import type { BenchmarkSpec } from "../../api/types";
import type { Carried } from "./draft";

export type Document = Record<string, unknown>;

export function isDocument(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * What `from` says and `built` does not say alike, leaf by leaf. A list is one leaf, unless both have as many objects. A
 * text or number that is wrong where the form has a field is in that field, and not here.
 */
export function leftOver(from: unknown, built: unknown, fields: readonly string[] = []): Carried[] {
  const found: Carried[] = [];
  const root = isDocument(from) ? from : {};
  const walk = (value: unknown, other: unknown, path: readonly string[]) => {
    if (isDocument(value) && path.length < 6 && (Object.keys(value).length > 0 || path.length === 0)) {
      for (const [key, inside] of Object.entries(value)) {
        // A dot in a name would be two names: such a one is carried whole.
        if (key.includes(".")) return add(value, path);
        walk(inside, isDocument(other) ? other[key] : undefined, [...path, key]);
      }
    } else if (areAlike(value, other)) {
      for (const [index, inside] of value.entries()) {
        walk(inside, Array.isArray(other) ? other[index] : undefined, [...path, String(index)]);
      }
    } else if (JSON.stringify(value) !== JSON.stringify(other)) {
      const isShown = (typeof value === "string" || typeof value === "number") && fields.includes(path.join("."));
      if (!isShown) add(value, path);
    }
  };
  const add = (value: unknown, path: readonly string[]) => {
    const part = root[path[0] ?? ""];
    const kind = path.length > 1 && path.at(-1) !== "kind" && isDocument(part) ? part.kind : undefined;
    found.push({ path: path.join("."), value, ...(typeof kind === "string" ? { kind } : {}) });
  };
  walk(root, built, []);
  return found;
}

function areAlike(value: unknown, other: unknown): value is unknown[] {
  return (
    Array.isArray(value) &&
    Array.isArray(other) &&
    value.length === other.length &&
    value.length <= 64 &&
    [...value, ...other].every(isDocument)
  );
}

/** Those that still belong: not those of a kind of load or workload that is no longer chosen. */
export function fitting(carried: readonly Carried[], spec: BenchmarkSpec): Carried[] {
  const document = spec as unknown as Document;
  return carried.filter(({ path, kind }) => {
    if (!hasEntry(document, path.split("."))) return false;
    if (kind === undefined) return true;
    const part = document[path.split(".")[0] ?? ""];
    const carriedKind = carried.find((one) => one.path === `${path.split(".")[0]}.kind`)?.value;
    return (carriedKind ?? (isDocument(part) ? part.kind : undefined)) === kind;
  });
}

/** False where an entry of a list is meant that is gone. */
function hasEntry(document: unknown, [key = "", ...rest]: readonly string[]): boolean {
  if (Array.isArray(document))
    return Number(key) < document.length && (rest.length === 0 || hasEntry(document[Number(key)], rest));
  return !isDocument(document) || rest.length === 0 || hasEntry(document[key], rest);
}

/** The spec with them in it. */
export function withCarried(spec: BenchmarkSpec, carried: readonly Carried[]): BenchmarkSpec {
  return carried.reduce<Document>(
    (document, { path, value }) => withValue(document, path.split("."), value),
    spec as unknown as Document,
  ) as unknown as BenchmarkSpec;
}

function withValue(document: Document, [key = "", ...rest]: readonly string[], value: unknown): Document {
  if (rest.length === 0) return { ...document, [key]: value };
  const inside = document[key];
  if (Array.isArray(inside)) {
    const [index = "", ...below] = rest;
    const entries = inside.map((entry: unknown, position) =>
      position === Number(index)
        ? below.length === 0
          ? value
          : withValue(isDocument(entry) ? entry : {}, below, value)
        : entry,
    );
    return { ...document, [key]: entries };
  }
  return { ...document, [key]: withValue(isDocument(inside) ? inside : {}, rest, value) };
}
