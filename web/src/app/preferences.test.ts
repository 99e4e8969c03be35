// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { zone } from "../ui/times";
import { changePreferences, chooseTheme, forgetPreferences, loadPreferences, preferences } from "./preferences";
import { setTheme, theme } from "./theme";

/** A service that keeps one document; `meddle` runs before a write is judged. */
let stored: { document: Record<string, unknown>; version: number };
let meddle: () => void;
let writes: string[];

beforeEach(() => {
  localStorage.clear();
  stored = { document: {}, version: 0 };
  meddle = () => {};
  writes = [];
  vi.stubGlobal("fetch", async (_: string, init: RequestInit) => {
    if (init.method === "PUT") {
      meddle();
      const match = (init.headers as Record<string, string>)["If-Match"];
      writes.push(String(match));
      if (match !== `"${stored.version}"`) return new Response("{}", { status: 412 });
      stored = { document: JSON.parse(String(init.body)).document, version: stored.version + 1 };
    }
    return new Response(JSON.stringify(stored), { status: 200, headers: { ETag: `"${stored.version}"` } });
  });
});

afterEach(() => {
  forgetPreferences();
  setTheme(null);
  vi.unstubAllGlobals();
});

describe("preferences", () => {
  it("hold in every browser, and are nobody's after signing out", async () => {
    stored.document = { theme: "dark", times: "utc" };
    await loadPreferences();
    expect([theme.value, zone.value]).toEqual(["dark", "utc"]);
    expect(document.documentElement.dataset.theme).toBe("dark");
    forgetPreferences();
    expect([theme.value, zone.value, preferences.value]).toEqual(["system", "local", null]);
    expect(document.documentElement.dataset.theme).toBeUndefined();
  });

  it("change without touching what others keep in the same document", async () => {
    stored.document = { benchmarks: { columns: ["name"] }, theme: "dark" };
    await changePreferences({ times: "utc", theme: undefined });
    expect(stored.document).toEqual({ benchmarks: { columns: ["name"] }, times: "utc" });
  });

  it("are tried again on what somebody else has just saved", async () => {
    meddle = () => {
      meddle = () => {};
      stored = { document: { views: [1] }, version: 5 };
    };
    await changePreferences({ times: "utc" });
    expect(stored.document).toEqual({ views: [1], times: "utc" });
    expect(writes).toEqual(['"0"', '"5"']);
  });

  it("give up when that happens again and again", async () => {
    meddle = () => {
      stored.version += 1;
    };
    await expect(changePreferences({ times: "utc" })).rejects.toMatchObject({ status: 412 });
    expect(writes).toHaveLength(3);
  });

  it("yield to this browser's switch, until a theme is chosen for all", async () => {
    stored.document = { theme: "dark" };
    setTheme("light");
    await loadPreferences();
    expect(theme.value).toBe("light");
    setTheme("system");
    expect(theme.value).toBe("system");
    await chooseTheme("dark");
    expect(theme.value).toBe("dark");
    expect(localStorage.getItem("ltb.theme")).toBeNull();
  });

  it("are no condition for anything", async () => {
    vi.stubGlobal("fetch", async () => new Response("{}", { status: 503 }));
    await expect(loadPreferences()).resolves.toBeUndefined();
  });
});
