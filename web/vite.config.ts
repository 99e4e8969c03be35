import { readFileSync } from "node:fs";
import { defineConfig } from "vitest/config";

// The service that `npm run dev` talks to: the one that `make run` starts.
const SERVICE = "http://127.0.0.1:8080";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")) as { version: string };

export default defineConfig({
  base: "/",
  define: { __VERSION__: JSON.stringify(version) },
  build: {
    outDir: "../app/static",
    emptyOutDir: true,
    target: "es2022",
    // The first that know light-dark().
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    // Nothing becomes a data: address: the server's policy is `default-src 'self'`.
    assetsInlineLimit: 0,
    // The polyfill is only for browsers that the target already leaves out.
    modulePreload: { polyfill: false },
    // `npm run build` reads it to check the budget of the initial load, then removes it.
    manifest: "manifest.json",
  },
  server: {
    host: "127.0.0.1",
    proxy: { "/api": SERVICE, "/ws": { target: SERVICE, ws: true } },
  },
  test: {
    // Files that need a page say so in their first line: making one takes longer than most tests.
    environment: "node",
    include: ["src/**/*.test.{ts,tsx}"],
    restoreMocks: true,
  },
});
