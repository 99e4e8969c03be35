/** What the palette offers: places, and what can be done here. Benchmarks and providers are looked up as one types. */

import { downloadBenchmarks, downloadReport, downloadResults, matchBenchmarks } from "../../api/endpoints";
import type { Permission } from "../../api/types";
import { filterQuery, readFilters } from "../../app/benchmark-query";
import { navigate, place, query, route } from "../../app/router";
import { may, signOut } from "../../app/session";
import { nextTheme } from "../../app/theme";
import { copyText } from "../../ui/copy";
import type { IconName } from "../../ui/icons";
import type { Choice } from "./match";

export interface Place {
  href: string;
  label: string;
}

export interface Option extends Choice {
  group: "Go to" | "Do" | "Benchmarks" | "Providers";
  icon: IconName;
  /** At the right: what it is, or when it was. */
  note?: string;
  href?: string;
  /** May take a while; an error is shown and the palette stays. */
  run?: () => void | Promise<void>;
  /** Asks for a second choice instead of doing something now. */
  asks?: "compare";
  needs?: Permission;
}

/** All benchmarks that the list on the page shows, with its filters; 10,000 at most. */
async function exportList(format: "csv" | "json"): Promise<void> {
  const { ids } = await matchBenchmarks({ ...filterQuery(readFilters(query.value)), limit: 10_000 });
  if (ids.length === 0) throw new Error("No benchmark matches, so there is nothing to export.");
  await downloadBenchmarks(ids, format);
}

export function optionsHere(places: readonly Place[]): Option[] {
  const here = route.value;
  const run = here.page === "run" ? here.id : null;
  const found: Option[] = places.map(({ href, label }) => ({
    id: `go ${href}`,
    group: "Go to",
    icon: "pulse",
    label,
    href,
  }));
  const action = (id: string, label: string, icon: IconName, rest: Partial<Option>) =>
    found.push({ id: `do ${id}`, group: "Do", label, icon, ...rest });

  action("new", "New benchmark", "plus", {
    href: "/benchmarks/new",
    needs: "benchmark.create",
    also: "start run create",
  });
  if (run) {
    const at = encodeURIComponent(run);
    action("compare", "Compare this benchmark with…", "columns", { asks: "compare", needs: "results.read" });
    action("duplicate", "Duplicate this benchmark", "copy", {
      href: `/benchmarks/new?from=${at}`,
      needs: "benchmark.create",
      also: "again repeat clone",
    });
    for (const format of ["csv", "json", "jsonl"] as const) {
      action(`results ${format}`, `Export its results as ${format.toUpperCase()}`, "save", {
        run: () => downloadResults(run, format),
        needs: "results.export",
        also: "download save",
      });
    }
    action("report", "Export its report as HTML", "save", { run: () => downloadReport(run), needs: "results.read" });
  }
  if (here.page === "benchmarks") {
    for (const format of ["csv", "json"] as const) {
      action(`list ${format}`, `Export this list as ${format.toUpperCase()}`, "save", {
        run: () => exportList(format),
        needs: "results.export",
        also: "download save benchmarks",
      });
    }
  }
  action("link", "Copy a link to this page", "share", {
    run: () => copyText(location.origin + place.value.path + place.value.query),
    also: "permalink url share",
  });
  action("theme", "Switch the theme", "auto", { run: nextTheme, also: "dark light system" });
  action("out", "Sign out", "out", { run: signOut, also: "log out leave" });
  return found.filter(({ needs }) => needs === undefined || may(needs));
}

export function go(href: string): void {
  navigate(href);
}

/** Where comparing this page's benchmark with another one leads. */
export function comparisonWith(other: string): string {
  const here = route.value;
  return `/compare?ids=${here.page === "run" ? here.id : ""},${other}`;
}

/** The choice that stands for the benchmark of this page, which is not compared with itself. */
export function benchmarkHere(): string | null {
  const here = route.value;
  return here.page === "run" ? `benchmark ${here.id}` : null;
}
