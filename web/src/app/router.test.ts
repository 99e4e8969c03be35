// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from "vitest";
import { match, navigate, place, query, route, safeReturn, setQuery, startRouter } from "./router";

startRouter();

describe("match", () => {
  it.each([
    ["/", { page: "benchmarks" }],
    ["/benchmarks/", { page: "benchmarks" }],
    ["/benchmarks/new", { page: "new-benchmark" }],
    ["/benchmarks/0192-ab", { page: "run", id: "0192-ab" }],
    ["/providers", { page: "providers" }],
    ["/benchmarks/ab/requests/17", { page: "run", id: "ab", request: 17 }],
    ["/benchmarks/ab/requests/x", { page: "not-found" }],
    ["/benchmarks/ab/requests/1/2", { page: "not-found" }],
    ["/signin", { page: "signin" }],
    ["/users", { page: "users" }],
    ["/users/ada%40example.org", { page: "user", id: "ada@example.org" }],
    ["/users/ada/keys", { page: "not-found" }],
    ["/audit", { page: "audit" }],
    ["/settings/", { page: "settings" }],
    ["/providers/demo", { page: "provider", id: "demo" }],
    ["/providers/demo/keys", { page: "not-found" }],
    ["/alerts", { page: "alerts" }],
    ["/benchmarks/a/b", { page: "not-found" }],
    ["/api/v1/health", { page: "not-found" }],
    ["/benchmarks/%E0%A4", { page: "run", id: "%E0%A4" }],
  ])("knows %s", (path, expected) => expect(match(path)).toEqual(expected));
});

describe("the URL as state", () => {
  beforeEach(() => navigate("/"));

  it("follows navigation and the query", () => {
    navigate("/benchmarks?status=running&q=nightly");
    expect(route.value.page).toBe("benchmarks");
    expect(query.value.get("q")).toBe("nightly");
  });

  it("changes single parts of the query without a new history entry", () => {
    navigate("/benchmarks?status=running");
    const entries = history.length;
    setQuery({ q: "a b&c" });
    expect(query.value.get("status")).toBe("running");
    expect(query.value.get("q")).toBe("a b&c");
    setQuery({ q: null, status: "" });
    expect(place.value).toEqual({ path: "/benchmarks", query: "" });
    expect(history.length).toBe(entries);
  });

  it("takes plain clicks on its own links and leaves the others", () => {
    document.body.innerHTML = '<a id="own" href="/providers">p</a><a id="api" href="/api/v1/health">h</a>';
    const own = new MouseEvent("click", { bubbles: true, cancelable: true });
    document.getElementById("own")?.dispatchEvent(own);
    expect(own.defaultPrevented).toBe(true);
    expect(route.value.page).toBe("providers");

    document.body.insertAdjacentHTML("beforeend", '<a id="skip" href="#page">s</a>');
    const skip = new MouseEvent("click", { bubbles: true, cancelable: true });
    document.getElementById("skip")?.dispatchEvent(skip);
    expect(skip.defaultPrevented).toBe(false);

    const withKey = new MouseEvent("click", { bubbles: true, cancelable: true, ctrlKey: true });
    document.getElementById("own")?.dispatchEvent(withKey);
    expect(withKey.defaultPrevented).toBe(false);
  });
});

describe("safeReturn", () => {
  it.each([
    ["/benchmarks?status=running", "/benchmarks?status=running"],
    ["//evil.example/x", "/"],
    ["https://evil.example", "/"],
    ["/\\evil.example", "/"],
    ["/signin?next=/", "/"],
    [null, "/"],
  ])("turns %s into %s", (next, expected) => expect(safeReturn(next)).toBe(expected));
});
