/** A request of a run as a command that sends it again. Pure. */

import type { RequestBody } from "../../api/types";
import { command, quote, quoteAround } from "../../ui/shell";

/** Null where the request cannot be made again whole. The key is a variable of the shell. */
export function asCurl({ method, url, headers, body, body_bytes: bytes }: RequestBody): string | null {
  if (method === null || url === null || body === null) return null;
  if (bytes !== null && new TextEncoder().encode(body).length < bytes) return null;
  return command([
    ["curl", "-sS", "-N", "-X", quote(method), quoteAround(url)],
    ...Object.entries(headers ?? {}).map(([name, value]) => ["-H", quoteAround(`${name}: ${value}`)]),
    // `--data-binary` reads a file where the text begins with an @; a body of JSON never does.
    ["--data-binary", quote(body)],
  ]);
}

/** The variables that the command needs. */
export function variablesOf({ url, headers }: RequestBody): string[] {
  const texts = [url ?? "", ...Object.values(headers ?? {})];
  return [...new Set(texts.flatMap((text) => text.match(/\$[A-Z_][A-Z0-9_]*/g) ?? []))];
}
