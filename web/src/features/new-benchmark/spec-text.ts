/** A spec out of a text that someone pasted or a file: JSON, TOML or YAML, also with the spec inside (`summary.json`). */

import { isDocument } from "./carried";

type Form = "JSON" | "TOML" | "YAML";

const READERS: Record<Form, (text: string) => unknown> = { JSON: fromJson, TOML: fromToml, YAML: fromYaml };
const ENDINGS: readonly [ending: string, form: Form][] = [
  [".json", "JSON"],
  [".toml", "TOML"],
  [".yaml", "YAML"],
  [".yml", "YAML"],
];

export async function parseSpec(name: string, text: string): Promise<Record<string, unknown>> {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (source.trim() === "") throw new Error("is empty");
  const found = await READERS[formOf(name, source)](source);
  const inner = isDocument(found) && !("load" in found) && isDocument(found.spec) ? found.spec : found;
  if (!isDocument(inner) || !["targets", "workload", "load", "stop"].some((part) => part in inner)) {
    throw new Error("is no spec: it has none of targets, workload, load, stop");
  }
  return inner;
}

/** What a text is: by its file's name, else by what its first line looks like. */
export function formOf(name: string, text: string): Form {
  const named = ENDINGS.find(([ending]) => name.toLowerCase().endsWith(ending));
  if (named) return named[1];
  if (/^\s*[{[]\s*["}{\]]/.test(text)) return "JSON";
  const [first = ""] = text.split("\n").filter((line) => line.trim() !== "" && !/^\s*#/.test(line));
  // A table's head, or a key with an equals sign: YAML begins with neither.
  const isToml = /^\s*\[{1,2}[\w."' -]+\]{1,2}\s*(#.*)?$/.test(first) || /^\s*[\w."'-]+\s*=/.test(first);
  return isToml ? "TOML" : "YAML";
}

/** Why it is not what it was taken for, in one line. */
function refusal(form: string, reason: unknown): Error {
  const [first] = (reason instanceof Error ? reason.message : String(reason)).split("\n");
  return new Error(`is not ${form}: ${first}`);
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (reason) {
    throw refusal("JSON", reason);
  }
}

// Through JSON, so that dates are texts and nothing but plain values is left.
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null)) as unknown;
}

async function fromToml(text: string): Promise<unknown> {
  const { parse } = await import("smol-toml");
  try {
    return plain(parse(text));
  } catch (reason) {
    throw refusal("TOML", reason);
  }
}

async function fromYaml(text: string): Promise<unknown> {
  const { parse } = await import("yaml");
  try {
    // Version 1.1 is what the command line reads. Aliases are bounded by the library: a few bytes must not become
    // gigabytes.
    return plain(parse(text, { version: "1.1", logLevel: "error" }));
  } catch (reason) {
    throw refusal("YAML", reason);
  }
}
