/** The folders' walls: who may import whom. */

import { describe, expect, it } from "vitest";

const SOURCES = import.meta.glob<string>("./**/*.{ts,tsx}", { query: "?raw", import: "default", eager: true });

/** What each folder may import besides itself, by path from `src/`. */
const ALLOWED: Record<string, readonly string[]> = {
  api: [],
  ui: ["api/types", "api/summary", "api/errors"],
  live: ["api/"],
  charts: ["ui/numbers", "ui/csv"],
  app: ["api/", "live/", "ui/", "features/"],
  features: [
    "api/",
    "live/",
    "charts/",
    "ui/",
    "app/router",
    "app/session",
    "app/keyboard",
    "app/preferences",
    "app/theme",
    "app/benchmark-query",
  ],
};

function resolve(from: string, to: string): string {
  const parts = from.split("/").slice(0, -1);
  for (const part of to.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  }
  return parts.join("/");
}

interface Import {
  from: string;
  to: string;
}

function imports(): Import[] {
  return Object.entries(SOURCES).flatMap(([file, text]) => {
    const from = file.replace("./", "");
    if (from.endsWith(".test.ts") || from.endsWith(".test.tsx")) return [];
    return [...text.matchAll(/(?:from\s+|import\s*\(?\s*)"([^"]+)"/g)].map(([, to = ""]) => ({
      from,
      to: to.startsWith(".") ? `src/${resolve(from, to)}` : to,
    }));
  });
}

function home(path: string): string {
  const [first = "", second = ""] = path.split("/");
  return first === "features" ? `features/${second}` : first;
}

function isAllowed({ from, to }: Import): boolean {
  const target = to.slice("src/".length);
  const room = from.split("/")[0] ?? "";
  if (!from.includes("/") || target.endsWith(".css") || home(from) === home(target)) return true;
  return (ALLOWED[room] ?? []).some((allowed) =>
    `${target}/`.startsWith(allowed.endsWith("/") ? allowed : `${allowed}/`),
  );
}

describe("walls", () => {
  const all = imports();

  it("reads the sources", () => {
    expect(all.length).toBeGreaterThan(100);
  });

  it("lets features, ui, live, charts and api import only what lies below them", () => {
    const broken = all.filter(({ to }) => to.startsWith("src/")).filter((each) => !isAllowed(each));
    expect(broken).toEqual([]);
  });

  it("lets only charts import uPlot", () => {
    const importers = all.filter(({ to }) => to.startsWith("uplot")).map(({ from }) => home(from));
    expect(new Set(importers)).toEqual(new Set(["charts"]));
  });

  it("loads every other feature than sign-in when it is first opened", () => {
    const eager = Object.entries(SOURCES).filter(
      ([file, text]) => file.startsWith("./app/") && /from\s+"[^"]*features\/(?!signin)/.test(text),
    );
    expect(eager.map(([file]) => file)).toEqual([]);
  });
});
