/** The list's filters and order, which live in the URL: pure. */

import type { BenchmarkFilters, BenchmarkQuery } from "../api/endpoints";
import type { LoadKind, SortColumn, SortDirection, Status } from "../api/types";
import { percent } from "../ui/numbers";

export const STATUSES: readonly Status[] = ["running", "pending", "completed", "failed", "cancelled", "cancelling"];
export const VERDICTS = ["trusted", "suspect", "client_bound"] as const;
export const LOADS: Record<LoadKind, string> = {
  closed: "users",
  closed_steps: "users in steps",
  constant: "constant rate",
  poisson: "Poisson arrivals",
  gamma: "gamma arrivals",
  ramp: "ramp",
  steps: "rate in steps",
  spike: "spike",
  trace: "trace",
};
export const SORTS: readonly SortColumn[] = [
  "created",
  "name",
  "status",
  "target",
  "load",
  "requests",
  "ttft_p50",
  "ttft_p95",
  "tpot_p50",
  "output_tokens",
  "errors",
  "cost",
  "verdict",
  "owner",
  "tags",
];
const TEXTS: readonly SortColumn[] = ["name", "status", "target", "load", "verdict", "owner", "tags"];
export const LIMITS = { q: 200, owner: 64, tag: 64, provider: 64, model: 200 } as const;

export interface Filters {
  q: string;
  status: readonly string[];
  owner: string;
  tag: readonly string[];
  provider: string;
  model: string;
  load: readonly string[];
  verdict: readonly string[];
  /** Local days, both included: "2026-11-21". */
  from: string;
  to: string;
  /** Shares of 1, as the URL has them; "" does not narrow. */
  minErrors: string;
  maxErrors: string;
}

export interface Order {
  sort: SortColumn;
  direction: SortDirection;
}

export interface Chip {
  /** The part of the query that it stands for, and its value where there may be several. */
  name: string;
  value: string;
  text: string;
}

function several(query: URLSearchParams, name: string, known: readonly string[]): string[] {
  return [...new Set(query.getAll(name))].filter((value) => known.includes(value));
}

function day(text: string | null): string {
  if (!text || !/^\d{4}-\d{2}-\d{2}$/.test(text)) return "";
  return Number.isNaN(new Date(`${text}T00:00:00`).getTime()) ? "" : text;
}

function share(text: string | null): string {
  if (!text?.trim()) return "";
  const value = Number(text);
  return value >= 0 && value <= 1 ? String(value) : "";
}

function text(query: URLSearchParams, name: keyof typeof LIMITS): string {
  return (query.get(name) ?? "").slice(0, LIMITS[name]);
}

/** The filters in a query string; what no filter can be is dropped. */
export function readFilters(query: URLSearchParams): Filters {
  return {
    q: text(query, "q"),
    status: several(query, "status", STATUSES),
    owner: text(query, "owner"),
    tag: [...new Set(query.getAll("tag"))].filter((tag) => tag && tag.length <= LIMITS.tag).slice(0, 32),
    provider: text(query, "provider"),
    model: text(query, "model"),
    load: several(query, "load", Object.keys(LOADS)),
    verdict: several(query, "verdict", VERDICTS),
    from: day(query.get("from")),
    to: day(query.get("to")),
    minErrors: share(query.get("min_errors")),
    maxErrors: share(query.get("max_errors")),
  };
}

/** Newest and largest first, texts from A, unless the address says otherwise. */
export function usualDirection(sort: SortColumn): SortDirection {
  return TEXTS.includes(sort) ? "asc" : "desc";
}

export function readOrder(query: URLSearchParams): Order {
  const sort = SORTS.find((known) => known === query.get("sort")) ?? "created";
  const order = query.get("order");
  return { sort, direction: order === "asc" || order === "desc" ? order : usualDirection(sort) };
}

/** What a click on a column's head makes of the order: its usual direction first, then the other, then newest first. */
export function nextOrder({ sort, direction }: Order, clicked: SortColumn): Order {
  const usual = usualDirection(clicked);
  if (sort !== clicked) return { sort: clicked, direction: usual };
  if (direction === usual) return { sort, direction: usual === "asc" ? "desc" : "asc" };
  return { sort: "created", direction: "desc" };
}

/** What the address has for an order; the usual one needs no words. */
export function orderChanges({ sort, direction }: Order): Record<string, string | null> {
  return {
    sort: sort === "created" ? null : sort,
    order: direction === usualDirection(sort) ? null : direction,
  };
}

function startOfDay(text: string, daysLater = 0): string {
  const date = new Date(`${text}T00:00:00`);
  date.setDate(date.getDate() + daysLater);
  return date.toISOString();
}

/** As the API takes them. */
export function filterQuery(filters: Filters): BenchmarkFilters {
  return {
    q: filters.q,
    status: filters.status,
    owner: filters.owner,
    tag: filters.tag,
    provider: filters.provider,
    model: filters.model,
    load: filters.load,
    verdict: filters.verdict,
    created_from: filters.from ? startOfDay(filters.from) : undefined,
    created_before: filters.to ? startOfDay(filters.to, 1) : undefined,
    min_error_rate: filters.minErrors ? Number(filters.minErrors) : undefined,
    max_error_rate: filters.maxErrors ? Number(filters.maxErrors) : undefined,
  };
}

export function listQuery(filters: Filters, order: Order): BenchmarkQuery {
  return { ...filterQuery(filters), sort: order.sort, order: order.direction };
}

/** Each filter that narrows, in words, so that it can be taken away by itself. */
export function chipsOf(filters: Filters): Chip[] {
  const chips: Chip[] = [];
  const add = (name: string, value: string, words: string) => {
    if (value) chips.push({ name, value, text: words });
  };
  for (const value of filters.status) add("status", value, value);
  for (const value of filters.tag) add("tag", value, `tag ${value}`);
  add("owner", filters.owner, `owner ${filters.owner}`);
  add("provider", filters.provider, `provider ${filters.provider}`);
  add("model", filters.model, `model ${filters.model}`);
  for (const value of filters.load) add("load", value, LOADS[value as LoadKind]);
  for (const value of filters.verdict) add("verdict", value, value.replace("_", "-"));
  add("from", filters.from, `from ${filters.from}`);
  add("to", filters.to, `until ${filters.to}`);
  add("min_errors", filters.minErrors, `errors ≥ ${percent(Number(filters.minErrors))}`);
  add("max_errors", filters.maxErrors, `errors ≤ ${percent(Number(filters.maxErrors))}`);
  return chips;
}

export function isFiltered(filters: Filters): boolean {
  return filters.q !== "" || chipsOf(filters).length > 0;
}

const FILTER_NAMES = [
  "q",
  "status",
  "owner",
  "tag",
  "provider",
  "model",
  "load",
  "verdict",
  "from",
  "to",
  "min_errors",
  "max_errors",
] as const;

/** The query without any filter, or without one chip of it; the order stays. */
export function without(query: URLSearchParams, chip: Chip | null): string {
  const next = new URLSearchParams();
  for (const [name, value] of query) {
    const isGone = chip
      ? chip.name === name && (chip.value === value || !["status", "tag", "load", "verdict"].includes(name))
      : (FILTER_NAMES as readonly string[]).includes(name);
    if (!isGone) next.append(name, value);
  }
  return next.toString();
}

/** The query with filters set anew; lists replace lists. */
export function withFilters(query: URLSearchParams, changes: Record<string, string | readonly string[]>): string {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const one of typeof value === "string" ? [value] : value) if (one) next.append(name, one);
  }
  return next.toString();
}

/** What of a query a saved view keeps: filters and order, in one spelling. */
export function viewQuery(query: URLSearchParams): string {
  const kept = new URLSearchParams();
  for (const name of [...FILTER_NAMES, "sort", "order"]) {
    for (const value of query.getAll(name)) if (value) kept.append(name, value);
  }
  return kept.toString();
}
