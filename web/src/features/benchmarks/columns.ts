/** The columns of the list: which there are, which are shown, in what order and how wide. Pure. */

import type { SortColumn } from "../../api/types";

export interface Column {
  id: string;
  label: string;
  sort: SortColumn;
  /** In px. */
  width: number;
  /** What it may be narrowed to where there is little room; as wide as always without. */
  least?: number;
  isRight?: boolean;
}

export const COLUMNS = [
  { id: "status", label: "Status", sort: "status", width: 116, least: 110 },
  { id: "name", label: "Name", sort: "name", width: 200, least: 160 },
  { id: "target", label: "Target", sort: "target", width: 150, least: 112 },
  { id: "load", label: "Load", sort: "load", width: 130, least: 88 },
  { id: "requests", label: "Requests", sort: "requests", width: 72, isRight: true },
  { id: "ttft_p50", label: "TTFT p50", sort: "ttft_p50", width: 68, isRight: true },
  { id: "ttft_p95", label: "TTFT p95", sort: "ttft_p95", width: 68, isRight: true },
  { id: "tpot_p50", label: "TPOT p50", sort: "tpot_p50", width: 68, isRight: true },
  { id: "output_tokens", label: "Output", sort: "output_tokens", width: 66, isRight: true },
  { id: "errors", label: "Errors", sort: "errors", width: 64, isRight: true },
  { id: "cost", label: "Cost", sort: "cost", width: 84, isRight: true },
  { id: "verdict", label: "Certificate", sort: "verdict", width: 108, least: 102 },
  { id: "owner", label: "Owner", sort: "owner", width: 84 },
  { id: "tags", label: "Tags", sort: "tags", width: 124, least: 96 },
  { id: "created", label: "When", sort: "created", width: 108, least: 98, isRight: true },
] as const satisfies readonly Column[];

export type ColumnId = (typeof COLUMNS)[number]["id"];

export const ALL: readonly ColumnId[] = COLUMNS.map(({ id }) => id);
/** These are there only where all have their whole width. Without its column, tags stand beside the name. */
export const EXTRA: readonly ColumnId[] = ["tags", "owner"];
/** Which leave next where not all fit at their least width; the others stay, and the table scrolls sideways. */
export const LEAVING: readonly ColumnId[] = [
  "cost",
  "load",
  "output_tokens",
  "tpot_p50",
  "verdict",
  "ttft_p95",
  "requests",
];
/** The columns that someone has chosen, or those that fit the window. */
export type Chosen = readonly ColumnId[] | "fitting";
export const MIN_WIDTH = 56;
export const MAX_WIDTH = 640;

const BY_ID = new Map<string, Column & { id: ColumnId }>(COLUMNS.map((column) => [column.id, column]));

export function columnOf(id: ColumnId): Column & { id: ColumnId } {
  const column = BY_ID.get(id);
  if (!column) throw new Error(`there is no column ${id}`);
  return column;
}

/** Columns out of something stored: what is no column, or is there twice, is dropped; the name is always there. */
export function readColumns(stored: unknown): Chosen {
  if (!Array.isArray(stored)) return "fitting";
  const found = [...new Set(stored)].filter((id): id is ColumnId => typeof id === "string" && BY_ID.has(id));
  if (found.length === 0) return "fitting";
  return found.includes("name") ? found : ["name", ...found];
}

export type Widths = Partial<Record<ColumnId, number>>;

export function readWidths(stored: unknown): Widths {
  if (typeof stored !== "object" || stored === null) return {};
  const widths: Widths = {};
  for (const [id, width] of Object.entries(stored)) {
    if (BY_ID.has(id) && typeof width === "number" && Number.isFinite(width)) widths[id as ColumnId] = clamp(width);
  }
  return widths;
}

export function clamp(width: number): number {
  return Math.round(Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width)));
}

/** With a column shown, at its usual place among those that are, or hidden. The name cannot be hidden. */
export function toggleColumn(columns: readonly ColumnId[], id: ColumnId): ColumnId[] {
  if (id === "name") return [...columns];
  if (columns.includes(id)) return columns.filter((column) => column !== id);
  const rank = ALL.indexOf(id);
  const before = columns.findIndex((column) => ALL.indexOf(column) > rank);
  const at = before < 0 ? columns.length : before;
  return [...columns.slice(0, at), id, ...columns.slice(at)];
}

/** With a column one place further left (-1) or right (1). */
export function moveColumn(columns: readonly ColumnId[], id: ColumnId, by: -1 | 1): ColumnId[] {
  const from = columns.indexOf(id);
  const to = from + by;
  if (from < 0 || to < 0 || to >= columns.length) return [...columns];
  const moved = columns.filter((column) => column !== id);
  moved.splice(to, 0, id);
  return moved;
}
