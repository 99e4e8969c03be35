/** A spec out of a text that someone pasted or a file: JSON or TOML, also with the spec inside (`summary.json`). */

import { isDocument } from "./carried";

export async function parseSpec(name: string, text: string): Promise<Record<string, unknown>> {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (source.trim() === "") throw new Error("is empty");
  const isJson =
    name.toLowerCase().endsWith(".json") ||
    (!name.toLowerCase().endsWith(".toml") && /^\s*[{[]\s*["}{\]]/.test(source));
  const found = isJson ? fromJson(source) : await fromToml(source);
  const inner = isDocument(found) && !("load" in found) && isDocument(found.spec) ? found.spec : found;
  if (!isDocument(inner) || !["targets", "workload", "load", "stop"].some((part) => part in inner)) {
    throw new Error("is no spec: it has none of targets, workload, load, stop");
  }
  return inner;
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (reason) {
    throw new Error(`is not JSON: ${reason instanceof Error ? reason.message : String(reason)}`);
  }
}

async function fromToml(text: string): Promise<unknown> {
  const { parse } = await import("smol-toml");
  try {
    // Through JSON, so that dates are texts and nothing but plain values is left.
    return JSON.parse(JSON.stringify(parse(text))) as unknown;
  } catch (reason) {
    const [first] = (reason instanceof Error ? reason.message : String(reason)).split("\n");
    throw new Error(`is neither JSON nor TOML: ${first}`);
  }
}
