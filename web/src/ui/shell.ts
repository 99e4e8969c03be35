/** Words and commands as a POSIX shell reads them. */

/** A word as a shell reads it unchanged. */
export function quote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const VARIABLE = /\$[A-Z_][A-Z0-9_]*/;

/** The same, but for variables such as `$API_KEY`, which the shell fills in. */
export function quoteAround(word: string): string {
  if (!VARIABLE.test(word)) return quote(word);
  return `"${word.replace(/[\\"`]|\$(?![A-Z_])/g, "\\$&")}"`;
}

/** Lines of one command. */
export function command(lines: readonly (readonly string[])[]): string {
  return lines.map((line) => line.join(" ")).join(" \\\n  ");
}
