/** Saved views: a name for filters, order and columns. Pure; where they are kept is `stored.ts`. */

import { viewQuery } from "../../app/benchmark-query";
import { type Chosen, readColumns } from "./columns";

export interface View {
  name: string;
  /** Filters and order, as the address has them. */
  query: string;
  /** Null: the columns as they are. */
  columns: Chosen | null;
}

/** The service keeps 16 KiB per user for everything. */
export const MOST_VIEWS = 20;
export const NAME_CHARACTERS = 40;
const QUERY_CHARACTERS = 400;

export function readViews(stored: unknown): View[] {
  if (!Array.isArray(stored)) return [];
  const views: View[] = [];
  for (const one of stored) {
    if (typeof one !== "object" || one === null) continue;
    const { name, query, columns } = one as Record<string, unknown>;
    if (typeof name !== "string" || !name.trim() || views.some((view) => view.name === name)) continue;
    views.push({
      name: name.slice(0, NAME_CHARACTERS),
      query: viewQuery(new URLSearchParams(typeof query === "string" ? query : "")),
      columns: Array.isArray(columns) || columns === "fitting" ? readColumns(columns) : null,
    });
  }
  return views.slice(0, MOST_VIEWS);
}

/** Why a view cannot be called so, or is too much to keep; null when it can be saved. */
export function problemWith(views: readonly View[], view: View): string | null {
  if (!view.name.trim()) return "Give it a name.";
  if (view.name.length > NAME_CHARACTERS) return `Use at most ${NAME_CHARACTERS} characters.`;
  if (view.query.length > QUERY_CHARACTERS) return "These filters are too long to be kept.";
  if (!views.some(({ name }) => name === view.name) && views.length >= MOST_VIEWS) {
    return `There are ${MOST_VIEWS} views already: delete one first.`;
  }
  return null;
}

/** With a view saved; one of the same name is replaced in its place. */
export function saveView(views: readonly View[], view: View): View[] {
  const at = views.findIndex(({ name }) => name === view.name);
  return at < 0 ? [...views, view] : views.with(at, view);
}

export function deleteView(views: readonly View[], name: string): View[] {
  return views.filter((view) => view.name !== name);
}

/** The view that shows exactly what the address asks for. */
export function currentView(views: readonly View[], query: URLSearchParams): View | undefined {
  const now = viewQuery(query);
  return views.find((view) => view.query === now);
}
