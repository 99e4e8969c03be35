import { expect, it } from "vitest";
import type { Alert } from "../../api/types";
import { aboutOf, matching } from "./words";

const ALERT: Alert = {
  key: "provider_unhealthy:a b",
  kind: "provider_unhealthy",
  severity: "warning",
  message: "provider 'a b' is unreachable",
  is_lasting: true,
  benchmark_id: null,
  provider: "a b",
  instance: null,
  raised_at: "2026-11-21T12:00:00Z",
  resolved_at: null,
};

it("leads to what an alert is about", () => {
  expect(aboutOf(ALERT)?.href).toBe("/providers/a%20b");
  expect(aboutOf({ ...ALERT, benchmark_id: "x" })?.href).toBe("/benchmarks/x");
  expect(aboutOf({ ...ALERT, provider: null })).toBeNull();
});

it("finds by every word", () => {
  expect(matching([ALERT], "UNREACHABLE provider")).toHaveLength(1);
  expect(matching([ALERT], "unreachable disk")).toHaveLength(0);
  expect(matching([ALERT], "  ")).toHaveLength(1);
});
