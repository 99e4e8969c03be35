// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import type { Permission } from "../api/types";
import { GROUPS, NEEDS, placesFor } from "./places";
import { match } from "./router";

const shown = (...permissions: Permission[]) =>
  placesFor((permission) => permissions.includes(permission)).map(
    ({ label, places }) => `${label}: ${places.map((place) => place.label).join(", ")}`,
  );

describe("places", () => {
  it("shows only what one may see, and no empty group", () => {
    expect(shown("benchmark.read", "provider.read")).toEqual([
      "Measure: Benchmarks, Compare",
      "Resources: Providers, Cluster",
    ]);
    expect(shown("metrics.read")).toEqual(["Resources: Alerts"]);
    expect(shown("admin.audit")).toEqual(["Administration: Audit"]);
    expect(shown()).toEqual([]);
  });

  it("leads to pages that exist, under the permission that the page asks for", () => {
    for (const { href, pages, permission } of GROUPS.flatMap((group) => group.places)) {
      const { page } = match(href);
      expect(pages).toContain(page);
      const need = NEEDS[page];
      if (need) expect(need.permission).toBe(permission);
    }
  });
});
