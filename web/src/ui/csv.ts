/** Values as a file of comma-separated lines, and files that the page itself makes: nothing is asked for. */

export type CsvCell = string | number | null | undefined;

// A spreadsheet takes a cell that begins so for a formula.
const FORMULA = /^[=+\-@\t\r]/;

/** RFC 4180; nothing where there is no value. */
export function csvOf(rows: Iterable<readonly CsvCell[]>): string {
  let text = "";
  for (const row of rows) text += `${row.map(writeCell).join(",")}\r\n`;
  return text;
}

function writeCell(cell: CsvCell): string {
  if (typeof cell === "number") return Number.isFinite(cell) ? String(cell) : "";
  if (!cell) return "";
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** "Time to first token" → "time-to-first-token". */
export function fileName(title: string): string {
  return (
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "chart"
  );
}

/** Lets the browser keep a file. */
export function saveFile(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has its own hold on the data by the next turn.
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function saveCsv(title: string, rows: Iterable<readonly CsvCell[]>): void {
  saveFile(new Blob([csvOf(rows)], { type: "text/csv" }), `${fileName(title)}.csv`);
}
