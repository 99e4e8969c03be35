/** Where the service's complaints about a spec belong in the form. */

import type { FieldProblem } from "../../api/errors";

/** Messages by field path, e.g. `load.concurrency`. The path `""` is the form as a whole. */
export type Problems = Record<string, string>;

// The validator names the chosen kind of a union in its paths; the form has one field for all kinds.
const KINDS: Record<string, readonly string[]> = {
  workload: ["prompt", "list", "synthetic"],
  load: ["closed", "constant", "poisson"],
};

/** The path without `body` in front and without the kind of a union (`load.closed.concurrency`). */
export function normalise(path: string): string {
  // "(body)": the request as a whole.
  const parts = path.startsWith("(") ? [] : path.split(".").filter(Boolean);
  if (parts[0] === "body") parts.shift();
  const [first, second] = parts;
  if (first && second && parts.length > 2 && KINDS[first]?.includes(second)) parts.splice(1, 1);
  return parts.join(".");
}

/** The field to show a problem at: itself, the nearest above it (`tags` for `tags.0`), the first below it, else none. */
export function fieldFor(path: string, fields: readonly string[]): string | null {
  if (fields.includes(path)) return path;
  const above = fields.filter((field) => path.startsWith(`${field}.`)).sort((one, other) => other.length - one.length);
  if (above[0]) return above[0];
  return path ? (fields.find((field) => field.startsWith(`${path}.`)) ?? null) : null;
}

export interface Placed {
  byField: Problems;
  /** What no field of the form can show. */
  rest: string[];
}

export function placeProblems(problems: readonly FieldProblem[], fields: readonly string[]): Placed {
  const byField: Problems = {};
  const rest: string[] = [];
  for (const problem of problems) {
    const path = normalise(problem.path);
    const field = fieldFor(path, fields);
    const text = describe(problem);
    if (field === null) rest.push(path ? `${path}: ${text}` : text);
    else byField[field] = byField[field] ? `${byField[field]}; ${text}` : text;
  }
  return { byField, rest };
}

const BOUNDS: Record<string, string> = { ge: "at least", gt: "above", le: "at most", lt: "below" };

function describe({ message, allowed }: FieldProblem): string {
  const words = describeAllowed(allowed);
  // "must be ≤ 20" needs no "(allowed: ≤ 20)".
  return message.includes(words.replace(/^[<>≤≥\s]+/, "")) ? message : `${message} (allowed: ${words})`;
}

/** Lists are the choices, objects are bounds, anything else is already words. */
function describeAllowed(allowed: unknown): string {
  if (allowed === undefined || allowed === null) return "";
  if (Array.isArray(allowed)) return allowed.join(", ");
  if (typeof allowed !== "object") return String(allowed);
  return Object.entries(allowed)
    .map(
      ([name, value]) => `${BOUNDS[name] ?? name} ${typeof value === "number" ? value.toLocaleString("en-US") : value}`,
    )
    .join(", ");
}
