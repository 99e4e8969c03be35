import { expect, it } from "vitest";
import { hoursBefore, isFiltered, readEntry, readFilters } from "./filters";

const read = (text: string) => readFilters(new URLSearchParams(text));

it("reads the filters of an address and leaves out what is none", () => {
  expect(read("actor=ada&action=auth.*&since=2026-11-21T10%3A00%3A00Z&other=1&until=soon&resource_id=%20")).toEqual({
    actor: "ada",
    action: "auth.*",
    since: "2026-11-21T10:00:00Z",
  });
  expect(isFiltered(read("entry=3"))).toBe(false);
  expect(isFiltered(read("actor=ada"))).toBe(true);
});

it("knows which entry is open", () => {
  expect(readEntry(new URLSearchParams("entry=42"))).toBe(42);
  for (const text of ["0", "-1", "x", "", "9".repeat(16)]) {
    expect(readEntry(new URLSearchParams({ entry: text }))).toBeNull();
  }
});

it("begins a span at a whole minute", () => {
  expect(hoursBefore(Date.parse("2026-11-21T12:34:56Z"), 24)).toBe("2026-11-20T12:34:00.000Z");
});
