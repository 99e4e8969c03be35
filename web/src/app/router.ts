/** The URL as state: what page, which thing, which filters. Every page is reachable by its address. */

import { computed, signal } from "@preact/signals";

export type Route =
  | { page: "signin" }
  | { page: "benchmarks" }
  | { page: "new-benchmark" }
  | { page: "compare" }
  | { page: "run"; id: string; request?: number }
  | { page: "providers" }
  | { page: "provider"; id: string }
  | { page: "alerts" }
  | { page: "cluster" }
  | { page: "account" }
  | { page: "users" }
  | { page: "user"; id: string }
  | { page: "roles" }
  | { page: "audit" }
  | { page: "settings" }
  | { page: "not-found" };

export interface Place {
  readonly path: string;
  readonly query: string;
}

function here(): Place {
  return { path: location.pathname, query: location.search };
}

export const place = signal<Place>(here());

/** Pages whose path is their name. */
const SINGLE = [
  "compare",
  "providers",
  "cluster",
  "alerts",
  "account",
  "users",
  "roles",
  "audit",
  "settings",
  "signin",
] as const satisfies readonly Route["page"][];

/** The page at a path; trailing slashes do not matter. */
export function match(path: string): Route {
  const [first, second, ...rest] = path.split("/").filter(Boolean).map(decode);
  if (first === "benchmarks" && second !== undefined && rest[0] === "requests" && /^\d{1,15}$/.test(rest[1] ?? "")) {
    if (rest.length === 2) return { page: "run", id: second, request: Number(rest[1]) };
  }
  if (rest.length > 0) return { page: "not-found" };
  if (first === undefined) return { page: "benchmarks" };
  if (first === "benchmarks") {
    if (second === undefined) return { page: "benchmarks" };
    return second === "new" ? { page: "new-benchmark" } : { page: "run", id: second };
  }
  if (first === "providers" && second !== undefined) return { page: "provider", id: second };
  if (first === "users" && second !== undefined) return { page: "user", id: second };
  if (second !== undefined) return { page: "not-found" };
  if (first === "new") return { page: "new-benchmark" };
  return { page: SINGLE.find((page) => page === first) ?? "not-found" };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export const route = computed<Route>(() => match(place.value.path));
export const query = computed(() => new URLSearchParams(place.value.query));

/** Goes to a path of the dashboard, e.g. `/benchmarks?status=running`. */
export function navigate(href: string, how: "push" | "replace" = "push"): void {
  const url = new URL(href, location.origin);
  const target = url.pathname + url.search;
  if (target === place.value.path + place.value.query) return;
  if (how === "push") history.pushState(null, "", target);
  else history.replaceState(null, "", target);
  const changesPage = pageOf(url.pathname) !== pageOf(place.value.path);
  place.value = { path: url.pathname, query: url.search };
  if (changesPage) scrollTo(0, 0);
}

/** A request opens beside its run: that is the same page. */
function pageOf(path: string): string {
  return path.replace(/\/requests\/\d+\/?$/, "");
}

/** Changes parts of the query in place; null and "" remove one. */
export function setQuery(changes: Record<string, string | null>): void {
  const next = new URLSearchParams(place.value.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  const text = next.toString();
  navigate(place.value.path + (text ? `?${text}` : ""), "replace");
}

/** A path to return to after signing in; anything that is not a path of this site becomes the first page. */
export function safeReturn(next: string | null): string {
  return next?.startsWith("/") &&
    !next.startsWith("//") &&
    !next.includes("\\") &&
    match(next.split("?")[0] ?? "").page !== "signin"
    ? next
    : "/";
}

/** Follows the back button and plain clicks on links to the dashboard's own pages. */
export function startRouter(): void {
  addEventListener("popstate", () => {
    place.value = here();
  });
  document.addEventListener("click", (event) => {
    if (
      event.defaultPrevented ||
      event.button !== 0 ||
      event.metaKey ||
      event.ctrlKey ||
      event.shiftKey ||
      event.altKey
    ) {
      return;
    }
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (match(link.pathname).page === "not-found") return;
    // To a part of this page: the browser puts the focus there.
    if (link.hash && link.pathname === location.pathname && link.search === location.search) return;
    event.preventDefault();
    navigate(link.pathname + link.search);
  });
}
