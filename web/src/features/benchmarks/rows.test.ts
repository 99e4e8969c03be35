import { describe, expect, it } from "vitest";
import type { BenchmarkListItem, Progress } from "../../api/types";
import { readFilters } from "./filters";
import { appendPage, headlineOf, mergeFirstPage, withProgress } from "./rows";

function row(id: string, created: string, part: Partial<BenchmarkListItem> = {}): BenchmarkListItem {
  return {
    id,
    name: id,
    status: "completed",
    tags: [],
    owner: null,
    visibility: "private",
    team: null,
    created_at: created,
    started_at: null,
    finished_at: null,
    trace_id: null,
    error: null,
    progress: null,
    targets: [],
    load: { kind: "closed", concurrency: 1 },
    stop: {},
    headline: null,
    ...part,
  };
}

const PROGRESS = { status: "running", completed: 5, error_rate: 0.2, ttft_ms: { p50: 1, p95: 2, p99: 3 } } as Progress;
const ids = (rows: BenchmarkListItem[]) => rows.map(({ id }) => id);

describe("rows of the list", () => {
  it("puts a fresh first page over older rows and drops what was deleted from it", () => {
    const shown = [row("d", "4"), row("c", "3"), row("b", "2"), row("a", "1")];
    expect(ids(mergeFirstPage(shown, [row("e", "5"), row("d", "4"), row("b", "2")]))).toEqual(["e", "d", "b", "a"]);
    expect(ids(mergeFirstPage(shown, []))).toEqual([]);
  });

  it("appends a page without doubling rows", () => {
    expect(ids(appendPage([row("b", "2")], [row("b", "2"), row("a", "1")]))).toEqual(["b", "a"]);
  });

  it("shows progress while a run lives and never revives one that is over", () => {
    const rows = withProgress([row("a", "1", { status: "pending" }), row("b", "2")], "a", PROGRESS);
    expect(rows[0]?.status).toBe("running");
    expect(rows[0] && headlineOf(rows[0])).toMatchObject({ requests: 5, ttft_p50_ms: 1, ttft_p95_ms: 2 });
    expect(withProgress(rows, "b", PROGRESS)[1]?.status).toBe("completed");
  });

  it("reads filters from the URL and ignores what is no status", () => {
    expect(readFilters(new URLSearchParams("status=failed&q=x"))).toEqual({ status: "failed", q: "x" });
    expect(readFilters(new URLSearchParams("status=odd"))).toEqual({ status: "", q: "" });
  });
});
