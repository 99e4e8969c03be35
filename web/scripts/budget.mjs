// Fails the build when the JavaScript that the first page loads is heavier than the budget, gzip'd.
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET_KB = 120;
const STATIC = new URL("../../app/static/", import.meta.url);
const manifestFile = new URL("manifest.json", STATIC);
const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));
rmSync(manifestFile);

/** The entry and everything that it imports statically: what the browser fetches before the first page shows. */
function initial(key, seen = new Set()) {
  if (!seen.has(key)) {
    seen.add(key);
    for (const next of manifest[key].imports ?? []) initial(next, seen);
  }
  return seen;
}

const gzipKb = (file) => gzipSync(readFileSync(new URL(file, STATIC))).length / 1000;
const scripts = (keys) => [...keys].map((key) => manifest[key].file).filter((file) => file.endsWith(".js"));

const first = scripts(initial("index.html")).reduce((sum, file) => sum + gzipKb(file), 0);
const all = scripts(Object.keys(manifest)).reduce((sum, file) => sum + gzipKb(file), 0);
console.log(
  `initial JavaScript ${first.toFixed(1)} kB gzip of ${BUDGET_KB} kB; every page together ${all.toFixed(1)} kB`,
);
if (first > BUDGET_KB) {
  console.error(`over the budget by ${(first - BUDGET_KB).toFixed(1)} kB`);
  process.exit(1);
}
