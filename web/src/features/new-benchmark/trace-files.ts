/**
 * Recorded traces: the Azure LLM trace (CSV: TIMESTAMP, ContextTokens, GeneratedTokens), BurstGPT (CSV: Timestamp,
 * Request tokens, Response tokens), Mooncake (JSON Lines: timestamp in ms, input_length, output_length, hash_ids), and a
 * plain JSON object `{"at_seconds": […], "requests": […]}`. Times count from the first request.
 */

import type { TraceRequest } from "../../api/types";
import { parseCsvObjects } from "./csv";
import type { TraceFile } from "./draft";
import { jsonLines } from "./prompt-files";

interface Entry {
  seconds: number;
  request: TraceRequest | null;
}

export function parseTrace(name: string, text: string): TraceFile {
  const source = text.startsWith("\uFEFF") ? text.slice(1) : text;
  const whole = /^\s*\{/.test(source) && name.toLowerCase().endsWith(".json") ? plainTrace(source) : null;
  if (whole) return { name, ...whole };
  const entries = name.toLowerCase().endsWith(".csv") ? csvEntries(source) : mooncakeEntries(source);
  if (entries.length === 0) throw new Error("holds no requests");
  const sorted = entries.sort((one, other) => one.seconds - other.seconds);
  const start = sorted[0]?.seconds ?? 0;
  const requests = sorted.flatMap((entry) => (entry.request ? [entry.request] : []));
  return {
    name,
    // A microsecond is finer than any of the traces.
    atSeconds: sorted.map((entry) => Math.round((entry.seconds - start) * 1e6) / 1e6),
    requests: requests.length === sorted.length ? requests : null,
  };
}

function plainTrace(text: string): Omit<TraceFile, "name"> {
  const value = JSON.parse(text) as { at_seconds?: unknown; requests?: unknown };
  if (!Array.isArray(value.at_seconds) || !value.at_seconds.every((at) => typeof at === "number")) {
    throw new Error("needs “at_seconds”, a list of numbers");
  }
  return {
    atSeconds: value.at_seconds,
    requests: Array.isArray(value.requests) ? (value.requests as TraceRequest[]) : null,
  };
}

function csvEntries(text: string): Entry[] {
  const rows = parseCsvObjects(text);
  if (rows.length === 0) return [];
  const names = Object.keys(rows[0] ?? {});
  const time = names.find((name) => ["timestamp", "time", "at_seconds", "arrival_time"].includes(name));
  if (!time) throw new Error(`has no column “timestamp”; its columns are ${names.slice(0, 12).join(", ")}`);
  const input = names.find((name) =>
    ["contexttokens", "request tokens", "input_tokens", "input_length"].includes(name),
  );
  const output = names.find((name) =>
    ["generatedtokens", "response tokens", "output_tokens", "output_length"].includes(name),
  );
  return rows.map((row, index) => ({
    seconds: secondsOf(row[time] ?? "", index),
    request: input && output ? lengths(Number(row[input]), Number(row[output]), undefined, index) : null,
  }));
}

/** Seconds as a number, or an instant ("2023-11-16 18:15:46.6805900", which is UTC and finer than Date reads). */
function secondsOf(text: string, index: number): number {
  const plain = Number(text);
  if (text.trim() !== "" && Number.isFinite(plain)) return plain;
  const instant = /^(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?$/.exec(text.trim());
  const at = instant ? Date.parse(`${instant[1]}T${instant[2]}${instant[4] ?? "Z"}`) : Number.NaN;
  if (Number.isNaN(at)) throw new Error(`row ${index + 2} has no time that can be read: “${text.slice(0, 40)}”`);
  return at / 1000 + Number(instant?.[3] ?? 0);
}

function mooncakeEntries(text: string): Entry[] {
  return jsonLines(text).map((line, index) => {
    const { timestamp, input_length, output_length, hash_ids } = line as Record<string, unknown>;
    if (typeof timestamp !== "number") throw new Error(`line ${index + 1} has no “timestamp” in milliseconds`);
    const hasLengths = typeof input_length === "number" && typeof output_length === "number";
    const blocks = Array.isArray(hash_ids) ? (hash_ids as number[]) : undefined;
    return {
      seconds: timestamp / 1000,
      request: hasLengths ? lengths(input_length, output_length, blocks, index) : null,
    };
  });
}

/** Traces have requests of no tokens (failed ones); the least that can be asked for is one. */
function lengths(input: number, output: number, blocks: number[] | undefined, index: number): TraceRequest {
  if (!Number.isFinite(input) || !Number.isFinite(output)) throw new Error(`entry ${index + 1} has no token counts`);
  const least = (value: number) => Math.max(1, Math.round(value));
  return { input_tokens: least(input), output_tokens: least(output), ...(blocks ? { blocks } : {}) };
}
