import { describe, expect, it } from "vitest";
import type { BenchmarkListItem, Progress } from "../../api/types";
import { layoutOf } from "./cells";
import {
  ALL,
  type ColumnId,
  clamp,
  EXTRA,
  LEAVING,
  moveColumn,
  readColumns,
  readWidths,
  toggleColumn,
} from "./columns";
import { copiedOf } from "./copied";
import { gridOf, isNarrowed, leastWidth, shownOf } from "./measures";
import { appendPage, headlineOf, replaced, withProgress } from "./rows";
import { all, chunks, drop, extend, isComparable, NOTHING, toggle } from "./selection";
import { readKept } from "./stored";
import { currentView, deleteView, MOST_VIEWS, problemWith, readViews, saveView, type View } from "./views";
import { fill, inOrder, rangeInSight } from "./virtual";

function row(id: string, part: Partial<BenchmarkListItem> = {}): BenchmarkListItem {
  return {
    id,
    name: id,
    status: "completed",
    tags: [],
    owner: null,
    visibility: "private",
    team: null,
    created_at: "2026-11-21T12:00:00Z",
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
const ids = (rows: readonly BenchmarkListItem[]) => rows.map(({ id }) => id);

describe("rows", () => {
  it("appends a page without doubling rows", () => {
    expect(ids(appendPage([row("b")], [row("b"), row("a")]))).toEqual(["b", "a"]);
  });

  it("shows progress while a run lives and never revives one that is over", () => {
    const before = [row("a", { status: "pending" }), row("b")];
    const rows = withProgress(
      before,
      new Map([
        ["a", PROGRESS],
        ["b", PROGRESS],
      ]),
    );
    expect(rows[0]?.status).toBe("running");
    expect(rows[0] && headlineOf(rows[0])).toMatchObject({ requests: 5, ttft_p50_ms: 1, ttft_p95_ms: 2 });
    expect(rows[1]).toBe(before[1]);
    expect(withProgress(before, new Map([["c", PROGRESS]]))).toBe(before);
  });

  it("puts what was read again in its place, and takes out what is gone", () => {
    const rows = [row("a"), row("b"), row("c")];
    const read = replaced(rows, new Set(["a", "b"]), [row("b", { name: "new" })]);
    expect(read.map(({ name }) => name)).toEqual(["new", "c"]);
    expect(read[1]).toBe(rows[2]);
  });
});

describe("selection", () => {
  const order = ["a", "b", "c", "d", "e"];

  it("goes from the last one ticked to the one clicked with shift, both ways", () => {
    const down = extend(toggle(NOTHING, "b"), "d", order);
    expect([...down.ids]).toEqual(["b", "c", "d"]);
    expect([...extend(down, "a", order).ids].sort()).toEqual(["a", "b", "c", "d"]);
  });

  it("ticks only one when there is nothing to go from", () => {
    expect([...extend(NOTHING, "c", order).ids]).toEqual(["c"]);
    expect([...extend(toggle(NOTHING, "gone"), "c", order).ids]).toEqual(["gone", "c"]);
    expect(extend(NOTHING, "nowhere", order).ids.size).toBe(0);
  });

  it("toggles, forgets what is gone, and knows what can be compared", () => {
    expect(toggle(toggle(NOTHING, "a"), "a").ids.size).toBe(0);
    const some = drop(all(order), new Set(["a", "e"]));
    expect([...some.ids]).toEqual(["b", "c", "d"]);
    expect(
      [1, 2, 8, 9].map((number) => isComparable(all(Array.from({ length: number }, (_, n) => String(n))))),
    ).toEqual([false, true, true, false]);
  });

  it("cuts lists into requests", () => {
    expect(chunks([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]]);
    expect(chunks([], 2)).toEqual([]);
  });
});

describe("columns", () => {
  it("takes only columns that there are, each once, and always the name", () => {
    expect(readColumns(["cost", "cost", "odd", 7])).toEqual(["name", "cost"]);
    expect(readColumns("all")).toBe("fitting");
    expect(readColumns([])).toBe("fitting");
  });

  it("shows a column at its usual place and moves it", () => {
    expect(toggleColumn(["name", "cost"], "load")).toEqual(["name", "load", "cost"]);
    expect(toggleColumn(["name", "cost"], "cost")).toEqual(["name"]);
    expect(toggleColumn(["name"], "name")).toEqual(["name"]);
    expect(moveColumn(["name", "cost", "load"], "load", -1)).toEqual(["name", "load", "cost"]);
    expect(moveColumn(["name", "cost"], "name", -1)).toEqual(["name", "cost"]);
  });

  it("shows what fits, the most important first, and what was chosen whether it fits or not", () => {
    const hiddenAt = (room: number, widths = {}) => {
      const shown = shownOf("fitting", widths, room, false);
      return ALL.filter((id) => !shown.includes(id));
    };
    expect(hiddenAt(3000)).toEqual([]);
    expect(hiddenAt(1248)).toEqual(["owner", "tags"]); // a window of 1,280 px
    expect(hiddenAt(992)).toEqual(["load", "output_tokens", "cost", "owner", "tags"]);
    expect(hiddenAt(1248, { name: 400 })).toContain("cost");
    expect(hiddenAt(1500)).toEqual(["tags"]);
    expect(hiddenAt(100)).toEqual(ALL.filter((id) => LEAVING.includes(id) || EXTRA.includes(id)));
    for (let room = 700; room < 1600; room += 7) {
      const shown = shownOf("fitting", {}, room, false);
      expect(leastWidth(shown, {}) <= room || shown.length === ALL.length - LEAVING.length - EXTRA.length).toBe(true);
    }
    expect(shownOf("fitting", {}, 390, true)).toEqual(ALL);
    expect(shownOf(["name", "tags"], {}, 100, false)).toEqual(["name", "tags"]);
  });

  it("keeps widths within reason", () => {
    expect(readWidths({ name: 1e9, cost: 1, odd: 80, load: "80" })).toEqual({ name: clamp(1e9), cost: clamp(1) });
    expect(readWidths(null)).toEqual({});
  });
});

describe("views", () => {
  const view = (name: string, query = ""): View => ({ name, query, columns: null });

  it("reads what it wrote and drops the rest", () => {
    const read = readViews([
      view("a", "status=failed&evil=1"),
      view("a"),
      { name: " " },
      null,
      { name: "b", columns: ["cost"] },
      { name: "c", columns: "fitting" },
    ]);
    expect(read).toEqual([
      { name: "a", query: "status=failed", columns: null },
      { name: "b", query: "", columns: ["name", "cost"] },
      { name: "c", query: "", columns: "fitting" },
    ]);
    expect(readViews({})).toEqual([]);
  });

  it("replaces one of the same name and bounds how many there are", () => {
    const views = Array.from({ length: MOST_VIEWS }, (_, n) => view(String(n)));
    expect(problemWith(views, view("more"))).toMatch(/delete one/);
    expect(problemWith(views, view("3"))).toBeNull();
    expect(problemWith([], view(" "))).toMatch(/name/);
    expect(problemWith([], view("x".repeat(41)))).toMatch(/40/);
    expect(problemWith([], view("x", `q=${"y".repeat(400)}`))).toMatch(/too long/);
    expect(saveView([view("a"), view("b")], view("a", "q=1"))).toEqual([view("a", "q=1"), view("b")]);
    expect(deleteView([view("a"), view("b")], "a")).toEqual([view("b")]);
  });

  it("knows which one is shown, whatever the order of the address", () => {
    const views = [view("mine", "status=failed&sort=cost")];
    expect(currentView(views, new URLSearchParams("sort=cost&status=failed"))?.name).toBe("mine");
    expect(currentView(views, new URLSearchParams("sort=cost"))).toBeUndefined();
  });

  it("forgets a first view that is gone", () => {
    expect(readKept({ benchmarks: { views: [view("a")], first: "b" } }).first).toBeNull();
    expect(readKept({ benchmarks: 7 }).columns).toBe("fitting");
  });
});

describe("the window on the rows", () => {
  it("has what is in sight and some around it, and no more", () => {
    expect(rangeInSight(0, 340, 34, 10_000)).toEqual({ from: 0, to: 24 });
    const { from, to } = rangeInSight(34 * 5_000, 340, 34, 10_000);
    expect(from).toBeLessThanOrEqual(5_000);
    expect(to).toBeGreaterThanOrEqual(5_010);
    expect(to - from).toBe(24);
  });

  it("stays within the list", () => {
    expect(rangeInSight(1e9, 340, 34, 10)).toEqual({ from: 0, to: 10 });
    expect(rangeInSight(1e9, 340, 34, 100)).toEqual({ from: 76, to: 100 });
    expect(rangeInSight(-50, 340, 34, 3)).toEqual({ from: 0, to: 3 });
    expect(rangeInSight(0, 0, 0, 0)).toEqual({ from: 0, to: 0 });
  });

  it("gives elements other rows, and leaves those alone whose row stays", () => {
    const first = fill([], { from: 0, to: 4 });
    expect(first.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const next = fill(first, { from: 2, to: 6 });
    expect(next.map(({ key, index }) => [key, index])).toEqual([
      [0, 4],
      [1, 5],
      [2, 2],
      [3, 3],
    ]);
    expect(next[2]).toBe(first[2]);
    expect(fill(next, { from: 2, to: 6 })).toBe(next);
    expect(inOrder(next).map(({ index }) => index)).toEqual([2, 3, 4, 5]);
    expect(inOrder(first)).toBe(first);
    expect(fill(next, { from: 0, to: 2 }).map(({ index }) => index)).toEqual([0, 1]);
  });

  it("never takes the element of the row with the focus", () => {
    const slots = fill(fill([], { from: 0, to: 4 }), { from: 50, to: 54 }, 1);
    expect(slots.find(({ key }) => key === 1)?.index).toBe(1);
    expect(new Set(slots.map(({ index }) => index))).toEqual(new Set([1, 50, 51, 52, 53]));
    expect(new Set(slots.map(({ key }) => key)).size).toBe(5);
    expect(fill(slots, { from: 50, to: 54 })).toHaveLength(4);
  });
});

describe("cells and columns", () => {
  const measured = row("a", {
    headline: {
      requests: 1200,
      error_rate: 0.0123,
      ttft_p50_ms: 61.25,
      ttft_p95_ms: 99,
      tpot_p50_ms: null,
      output_tokens_per_s: 512,
      cost_usd: null,
      verdict: "client_bound",
    },
    tags: ["x", "y"],
  });
  const layout = layoutOf([measured]);

  it("copies what a cell shows, with its unit and nothing left out", () => {
    const copied = (id: ColumnId) => copiedOf(id, measured, layout);
    expect(copied("ttft_p50")).toBe("61.3 ms");
    expect(copied("tpot_p50")).toBe("—");
    expect(copied("output_tokens")).toBe("512 tok/s");
    expect(copied("requests")).toBe("1,200");
    expect(copied("errors")).toBe("1.23 %");
    expect(copied("verdict")).toBe("client-bound");
    expect(copied("tags")).toBe("x, y");
    expect(copied("created")).toBe("2026-11-21T12:00:00Z");
  });

  it("gives the name what the others leave, unless it was given a width", () => {
    expect(gridOf(["name", "status"], {})).toBe("34px minmax(160px, 1fr) minmax(110px, 116px)");
    expect(gridOf(["name"], { name: 300 })).toBe("34px 300px");
    expect(leastWidth(["name", "status"], {})).toBe(304);
    expect(isNarrowed({ status: 100 })).toBe(true);
    expect(isNarrowed({ status: 200 })).toBe(false);
  });
});
