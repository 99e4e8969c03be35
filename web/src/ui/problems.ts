/** What the service says is wrong with a form: at its fields, and the rest. */

import { ApiError } from "../api/errors";

export interface FormProblems {
  /** By field, as the service names it. */
  at: Record<string, string>;
  /** What to show besides: everything that has no field to stand at. */
  notice: ApiError | null;
}

/** Splits a refusal over the `fields` that the form has; a path below a field stands at the field. */
export function formProblems(error: ApiError | null, fields: readonly string[]): FormProblems {
  const at: Record<string, string> = {};
  if (!error) return { at, notice: null };
  const elsewhere: string[] = [];
  for (const { path, message, allowed } of error.problems) {
    const field = fields.find((name) => path === name || path.startsWith(`${name}.`));
    const said = typeof allowed === "string" && allowed ? `${message}: use ${allowed}` : message;
    if (!field) elsewhere.push(path ? `${path}: ${said}` : said);
    else at[field] = at[field] ? `${at[field]}; ${said}` : said;
  }
  const count = Object.keys(at).length;
  if (count === 0) return { at, notice: error };
  const message = [count === 1 ? "one field is wrong" : `${count} fields are wrong`, ...elsewhere].join("; ");
  const { status, code, requestId, retryable } = error;
  return { at, notice: new ApiError({ status, code, message, requestId, retryable }) };
}
