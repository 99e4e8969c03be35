/** Where the service's complaints about a spec belong in the form. */

import type { FieldProblem } from "../../api/errors";

/** Messages by field path, e.g. `load.concurrency`. The path `""` is the form as a whole. */
export type Problems = Record<string, string>;

/** The path without `body` in front; "(body)" is the request as a whole. */
export function normalise(path: string): string {
  const parts = path.startsWith("(") ? [] : path.split(".").filter(Boolean);
  if (parts[0] === "body") parts.shift();
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
  for (const problem of withoutOtherBranches(problems)) {
    const path = normalise(problem.path);
    const field = fieldFor(path, fields);
    const text = within(path, field) + describe(problem);
    if (field === null) rest.push(path ? `${path}: ${text}` : text);
    else byField[field] = byField[field] ? `${byField[field]}; ${text}` : text;
  }
  return { byField, rest };
}

/** Which entry of a field that holds many: "entry 4, output_tokens: ". */
function within(path: string, field: string | null): string {
  if (field === null || !path.startsWith(`${field}.`)) return "";
  const [first = "", ...rest] = path.slice(field.length + 1).split(".");
  const entry = /^\d+$/.test(first) ? `entry ${Number(first) + 1}` : first;
  return `${[entry, ...rest].join(", ")}: `;
}

const WRONG_TYPE = /^Input should be a valid (integer|number|string|dictionary|list)/;

/**
 * A value that may be of several types (a number of tokens, or a distribution) is tried as each, and the service tells
 * of every try. Those that only say "it is not of that other type" are dropped when another says what is really wrong.
 */
function withoutOtherBranches(problems: readonly FieldProblem[]): FieldProblem[] {
  return problems.filter((problem, index) => {
    if (!WRONG_TYPE.test(problem.message)) return true;
    const inside = `${problem.path}.`;
    return !problems.some(
      (other, position) =>
        position !== index &&
        ((other.path === problem.path && !WRONG_TYPE.test(other.message)) || other.path.startsWith(inside)),
    );
  });
}

/** The problems that still stand: those of fields whose part of the spec is as it was when the service refused it. */
export function standing(problems: Problems, refused: unknown, now: unknown): Problems {
  return Object.fromEntries(
    Object.entries(problems).filter(([path]) => same(valueAt(refused, path), valueAt(now, path))),
  );
}

function valueAt(spec: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, key) => {
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }, spec);
}

function same(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
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
