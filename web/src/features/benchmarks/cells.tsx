/** What stands in the cells of a row, and how the numbers of a column are lined up. */

import type { ComponentChildren } from "preact";
import type { BenchmarkListItem } from "../../api/types";
import { Badge, StatusBadge, type Tone } from "../../ui/Badge";
import { describeLoad, describeStop, describeTarget, describeTargets } from "../../ui/describe";
import type { IconName } from "../../ui/icons";
import {
  count,
  type DurationScale,
  dollars,
  durationScale,
  inScale,
  MISSING,
  NOT_APPLICABLE,
  percent,
  significant,
} from "../../ui/numbers";
import { exact, relative } from "../../ui/times";
import type { ColumnId } from "./columns";
import { headlineOf, isOver } from "./rows";

type Duration = "ttft_p50" | "ttft_p95" | "tpot_p50";

/** One scale for a whole column, and how many places its longest number has behind the point. */
export interface Layout {
  ttft: DurationScale;
  tpot: DurationScale;
  tails: Record<Duration | "output_tokens", number>;
}

function tail(text: string): number {
  const point = text.indexOf(".");
  return point < 0 ? 0 : text.length - point;
}

/** `tail` of a number as it will be written, without writing it: ten thousand rows have forty thousand of them. */
function tailOf(value: number | null | undefined, factor: number): number {
  const size = Math.abs((value ?? 0) * factor);
  if (!(size > 0) || size >= 99.95) return 0;
  return size >= 9.995 ? 2 : tail(significant(size));
}

export function layoutOf(rows: readonly BenchmarkListItem[]): Layout {
  const lines = rows.map(headlineOf);
  const ttft = durationScale(lines.flatMap((line) => [line?.ttft_p50_ms, line?.ttft_p95_ms]));
  const tpot = durationScale(lines.map((line) => line?.tpot_p50_ms));
  const tails = { ttft_p50: 0, ttft_p95: 0, tpot_p50: 0, output_tokens: 0 };
  for (const line of lines) {
    if (!line) continue;
    tails.ttft_p50 = Math.max(tails.ttft_p50, tailOf(line.ttft_p50_ms, ttft.factor));
    tails.ttft_p95 = Math.max(tails.ttft_p95, tailOf(line.ttft_p95_ms, ttft.factor));
    tails.tpot_p50 = Math.max(tails.tpot_p50, tailOf(line.tpot_p50_ms, tpot.factor));
    tails.output_tokens = Math.max(tails.output_tokens, tailOf(line.output_tokens_per_s, 1));
  }
  return { ttft, tpot, tails };
}

// As wide as a digit in the number font, and not dropped at the end of a cell as a plain space is.
const FILL = "\u00a0";

function aligned(text: string, longest: number): string {
  return /\d/.test(text) ? text + FILL.repeat(Math.max(0, longest - tail(text))) : text;
}

const VERDICTS: Record<string, { tone: Tone; icon: IconName; word: string }> = {
  trusted: { tone: "ok", icon: "check", word: "trusted" },
  suspect: { tone: "warn", icon: "alert", word: "suspect" },
  client_bound: { tone: "bad", icon: "cross", word: "client-bound" },
};

/** The unit under a column's head, and of its cells on a card. */
export function unitOf(id: ColumnId, layout: Layout): string {
  if (id === "ttft_p50" || id === "ttft_p95") return layout.ttft.unit;
  if (id === "tpot_p50") return layout.tpot.unit;
  return id === "output_tokens" ? "tok/s" : "";
}

export interface Cell {
  text: ComponentChildren;
  class?: string;
  title?: string;
}

export function cellOf(id: Exclude<ColumnId, "name">, row: BenchmarkListItem, layout: Layout, now: number): Cell {
  const line = headlineOf(row);
  switch (id) {
    case "status":
      return {
        text: (
          <>
            <StatusBadge status={row.status} title={row.error ?? undefined} />
            {row.status === "running" && row.progress?.percent != null && (
              <span class="number muted"> {Math.floor(row.progress.percent)} %</span>
            )}
          </>
        ),
      };
    case "target":
      return { text: describeTargets(row.targets), class: "muted", title: row.targets.map(describeTarget).join("\n") };
    case "load": {
      const load = describeLoad(row.load);
      return { text: load, title: `${load}; stops after ${describeStop(row.stop) || "its own end"}` };
    }
    case "requests": {
      const planned = row.progress?.planned ?? row.stop.requests ?? null;
      return {
        class: "number",
        text: (
          <>
            {count(line?.requests)}
            {row.status === "running" && planned !== null && <span class="of"> / {count(planned)}</span>}
          </>
        ),
      };
    }
    case "ttft_p50":
      return { class: "number", text: aligned(inScale(line?.ttft_p50_ms, layout.ttft), layout.tails.ttft_p50) };
    case "ttft_p95":
      return { class: "number", text: aligned(inScale(line?.ttft_p95_ms, layout.ttft), layout.tails.ttft_p95) };
    case "tpot_p50":
      return { class: "number", text: aligned(inScale(line?.tpot_p50_ms, layout.tpot), layout.tails.tpot_p50) };
    case "output_tokens":
      return { class: "number", text: aligned(significant(line?.output_tokens_per_s), layout.tails.output_tokens) };
    case "errors":
      return { class: `number${line?.error_rate ? " has-errors" : ""}`, text: percent(line?.error_rate) };
    case "cost":
      return { class: "number", text: line ? dollars(line.cost_usd) : MISSING };
    case "verdict": {
      const look = line?.verdict ? VERDICTS[line.verdict] : undefined;
      if (look) return { text: <Badge {...look} /> };
      const isForeign = isOver(row.status) && row.headline !== null;
      return { class: "muted", text: isForeign ? NOT_APPLICABLE : MISSING };
    }
    case "owner":
      return {
        text: row.owner?.username ?? "—",
        class: row.owner ? "" : "muted",
        title: row.owner ? "" : "the service",
      };
    case "tags":
      return {
        title: row.tags.join(", "),
        text: row.tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        )),
      };
    case "created":
      return {
        class: "muted",
        text: (
          <time
            dateTime={row.created_at}
            // When it is asked for: writing a date out takes as long as drawing the rest of the row.
            onMouseEnter={(event) => {
              event.currentTarget.title = exact(row.created_at);
            }}
          >
            {relative(row.created_at, now)}
          </time>
        ),
      };
  }
}
