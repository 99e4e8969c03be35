/**
 * Prompts and conversations out of the files that people have: text with one a line, JSON, JSON Lines, CSV, and the
 * ShareGPT layout. Nothing is sent anywhere; what comes out goes into the spec. Errors say which line or entry.
 */

import type { ChatTurn, PromptItem } from "../../api/types";
import { parseCsv } from "./csv";
import { lines } from "./reader";

/** What a chooser of files offers. */
export const PROMPT_FILES = ".txt, .jsonl, .json, .csv";

type Json = Record<string, unknown>;
type Role = ChatTurn["role"];

const ROLES: Record<string, Role> = {
  system: "system",
  user: "user",
  human: "user",
  prompter: "user",
  assistant: "assistant",
  gpt: "assistant",
  chatgpt: "assistant",
  bing: "assistant",
  bard: "assistant",
};
const PROMPT_NAMES = ["prompt", "text", "question", "instruction", "input"];
const LENGTH_NAMES = ["output_tokens", "max_tokens", "output_length"];

/** One prompt a request; conversations become one request with all turns up to the last of the user. */
export function parsePrompts(name: string, text: string): (string | PromptItem)[] {
  return someOf("prompts", read(name, text, "prompt"), (entry) => {
    if (typeof entry === "string") return nonEmpty(entry);
    const object = asObject(entry);
    const item = promptOf(object);
    const length = LENGTH_NAMES.map((key) => object[key]).find((value) => typeof value === "number");
    if (length === undefined) return item.prompt ?? item;
    return { ...item, output_tokens: length as number };
  });
}

/** Texts to embed: the prompts of the file, which must have no conversations. */
export function parseTexts(name: string, text: string): string[] {
  return parsePrompts(name, text).map((entry, index) => {
    if (typeof entry === "string") return entry;
    if (entry.prompt == null) throw new Error(`entry ${index + 1} is a conversation, not a text`);
    return entry.prompt;
  });
}

/** Whole conversations: lists of messages, `{"messages": …}`, or ShareGPT's `{"conversations": …}`. */
export function parseConversations(name: string, text: string): ChatTurn[][] {
  return someOf("conversations", read(name, text, "conversation"), (entry) => {
    const turns = Array.isArray(entry) ? turnsOf(entry) : conversationOf(asObject(entry));
    if (!turns) throw new Error("has neither “messages” nor “conversations”");
    if (!turns.some((turn) => turn.role === "user")) throw new Error("has no message of the user");
    return turns;
  });
}

/** The entries of a file, by how its name ends, else by how it begins. */
function read(name: string, text: string, what: string): unknown[] {
  const ending = name.toLowerCase().split(".").at(-1) ?? "";
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  if (ending === "csv") {
    if (what === "conversation") throw new Error("a CSV file cannot hold conversations; use JSON or JSON Lines");
    return promptColumn(parseCsv(source));
  }
  if (ending === "jsonl" || ending === "ndjson") return jsonLines(source);
  if (ending === "json" || (ending !== "txt" && /^\s*\[/.test(source))) return jsonList(source);
  if (what === "conversation") throw new Error("conversations come as .json or .jsonl");
  return lines(source);
}

/** The entries of a JSON file: a list, or the only list in an object. */
export function jsonList(text: string): unknown[] {
  const value = parseJson(text);
  if (Array.isArray(value)) return value;
  const inside = Object.values(asObject(value)).filter(Array.isArray);
  if (inside.length === 1) return inside[0] as unknown[];
  throw new Error("must hold a JSON list");
}

export function jsonLines(text: string): unknown[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === "") return [];
    try {
      return [JSON.parse(line) as unknown];
    } catch (reason) {
      throw new Error(`line ${index + 1} is not JSON: ${reason instanceof Error ? reason.message : String(reason)}`);
    }
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (reason) {
    throw new Error(`is not JSON: ${reason instanceof Error ? reason.message : String(reason)}`);
  }
}

/** The column that the head calls prompt (or text, question, …), or the only one; a head that names none is a prompt too. */
function promptColumn(rows: readonly string[][]): unknown[] {
  const head = (rows[0] ?? []).map((name) => name.trim().toLowerCase());
  const named = PROMPT_NAMES.map((name) => head.indexOf(name)).find((column) => column >= 0);
  const lengths = LENGTH_NAMES.map((name) => head.indexOf(name)).find((column) => column >= 0);
  if (named === undefined && head.length > 1) {
    throw new Error(`has no column “prompt”; its columns are ${head.slice(0, 12).join(", ")}`);
  }
  const body = named === undefined ? rows : rows.slice(1);
  return body.map((row) => {
    const prompt = row[named ?? 0] ?? "";
    const length = lengths === undefined || !row[lengths]?.trim() ? undefined : Number(row[lengths]);
    return length === undefined ? prompt : { prompt, output_tokens: length };
  });
}

function promptOf(object: Json): PromptItem {
  const prompt = PROMPT_NAMES.map((key) => object[key]).find((value) => typeof value === "string");
  if (prompt !== undefined) return { prompt: nonEmpty(prompt as string) };
  const turns = conversationOf(object);
  if (!turns) throw new Error(`has none of ${PROMPT_NAMES.join(", ")}, messages`);
  const last = turns.findLastIndex((turn) => turn.role === "user");
  if (last < 0) throw new Error("has no message of the user");
  return { messages: turns.slice(0, last + 1) };
}

function conversationOf(object: Json): ChatTurn[] | null {
  const turns = [object.messages, object.conversations, object.conversation].find(Array.isArray);
  return turns ? turnsOf(turns as unknown[]) : null;
}

function turnsOf(turns: readonly unknown[]): ChatTurn[] {
  return turns.map((turn, index) => {
    const object = asObject(turn);
    const said = object.role ?? object.from;
    const role = typeof said === "string" ? ROLES[said.toLowerCase()] : undefined;
    if (!role) throw new Error(`message ${index + 1} has no role that is known: ${JSON.stringify(said) ?? "none"}`);
    const content = object.content ?? object.value;
    if (typeof content !== "string") throw new Error(`message ${index + 1} has no text`);
    return { role, content };
  });
}

function someOf<Item>(what: string, entries: readonly unknown[], convert: (entry: unknown) => Item): Item[] {
  if (entries.length === 0) throw new Error(`holds no ${what}`);
  return entries.map((entry, index) => {
    try {
      return convert(entry);
    } catch (reason) {
      throw new Error(`entry ${index + 1} ${reason instanceof Error ? reason.message : String(reason)}`);
    }
  });
}

function nonEmpty(text: string): string {
  if (text === "") throw new Error("is empty");
  return text;
}

function asObject(value: unknown): Json {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new Error("is no object");
}
