import { describe, expect, it } from "vitest";
import {
  chipsOf,
  filterQuery,
  isFiltered,
  nextOrder,
  orderChanges,
  readFilters,
  readOrder,
  viewQuery,
  withFilters,
  without,
} from "./benchmark-query";

const params = (text: string) => new URLSearchParams(text);

describe("filters in the address", () => {
  it("drops what no filter can be", () => {
    const odd = readFilters(
      params("status=odd&status=failed&load=no&verdict=x&from=yesterday&to=2026-02-30x&min_errors=2"),
    );
    expect(odd).toMatchObject({ status: ["failed"], load: [], verdict: [], from: "", to: "", minErrors: "" });
    expect(isFiltered(readFilters(params("sort=cost&zoom=1")))).toBe(false);
    expect(readFilters(params(`q=${"x".repeat(300)}`)).q.length).toBe(200);
  });

  it("asks the API for whole local days and shares", () => {
    const found = filterQuery(readFilters(params("from=2026-11-20&to=2026-11-21&min_errors=0.05&tag=a&tag=b")));
    const hours = (Date.parse(found.created_before ?? "") - Date.parse(found.created_from ?? "")) / 3_600_000;
    expect(hours).toBe(48);
    expect(found).toMatchObject({ min_error_rate: 0.05, max_error_rate: undefined, tag: ["a", "b"] });
  });

  it("takes chips away one by one, and all but the order", () => {
    const query = params("status=failed&status=running&tag=a&q=x&sort=cost");
    const chips = chipsOf(readFilters(query));
    expect(chips.map(({ text }) => text)).toEqual(["failed", "running", "tag a"]);
    expect(without(query, chips[0] ?? null)).toBe("status=running&tag=a&q=x&sort=cost");
    expect(without(query, null)).toBe("sort=cost");
    expect(withFilters(query, { status: ["pending"], tag: [], owner: "eve" })).toBe(
      "q=x&sort=cost&status=pending&owner=eve",
    );
    expect(viewQuery(params("sort=cost&zoom=1&q=x"))).toBe("q=x&sort=cost");
  });

  it("turns an order round, and back to newest first", () => {
    const first = nextOrder({ sort: "created", direction: "desc" }, "cost");
    expect(first).toEqual({ sort: "cost", direction: "desc" });
    const second = nextOrder(first, "cost");
    expect(second).toEqual({ sort: "cost", direction: "asc" });
    expect(nextOrder(second, "cost")).toEqual({ sort: "created", direction: "desc" });
    expect(nextOrder(first, "name")).toEqual({ sort: "name", direction: "asc" });
    expect(orderChanges({ sort: "name", direction: "asc" })).toEqual({ sort: "name", order: null });
    expect(readOrder(params("sort=odd&order=up"))).toEqual({ sort: "created", direction: "desc" });
    expect(readOrder(params("sort=name&order=desc"))).toEqual({ sort: "name", direction: "desc" });
  });
});
