/** Where a request's panel is: beside its run, with what the page is set to. */

import { place } from "../../app/router";

export function requestHref(run: string, index: number): string {
  return `/benchmarks/${encodeURIComponent(run)}/requests/${index}${place.value.query}`;
}

export function runHref(run: string): string {
  return `/benchmarks/${encodeURIComponent(run)}${place.value.query}`;
}
