/**
 * A spec without what it would mean anyway. Stored specs say every default; a form and a command shall show what someone
 * chose. A test holds these values against the service's own schema.
 */

import { type Document, isDocument } from "./carried";

/** By path; `*` is any part in between. */
export const DEFAULTS: Readonly<Record<string, unknown>> = {
  seed: 0,
  workers: 1,
  save_responses: false,
  save_gaps: true,
  propagate_trace: false,
  "sampling.stream": true,
  "retry.max_attempts": 1,
  "retry.base_delay_ms": 500,
  "retry.max_delay_ms": 20_000,
  "timeouts.connect_seconds": 10,
  "timeouts.first_token_seconds": 120,
  "timeouts.between_chunks_seconds": 60,
  "timeouts.total_seconds": 600,
  "load.ramp_up_seconds": 0,
  "load.max_in_flight": 20_000,
  "load.arrival": "poisson",
  "load.curve": "linear",
  "load.speed": 1,
  "workload.groups": 1,
  "workload.uniqueness": 1,
  "workload.batch_size": 1,
  "workload.block_tokens": 512,
  "workload.images.width": 512,
  "workload.images.height": 512,
  "workload.audio.sample_rate_hz": 16_000,
  "workload.think_time.mean_seconds": 0,
  "workload.think_time.distribution": "fixed",
  "explore.confidence": 0.95,
  "explore.tolerance": 0.05,
  "explore.max_points": 16,
};
/** Of a length that is a normal or lognormal distribution. */
export const LENGTH_DEFAULTS: Readonly<Record<string, unknown>> = { minimum: 1, maximum: 1_000_000 };

export function withoutDefaults(spec: unknown): Document {
  return isDocument(spec) ? stripped(spec, "") : {};
}

function stripped(document: Document, at: string): Document {
  const entries = Object.entries(document).flatMap(([key, value]): [string, unknown][] => {
    const path = at ? `${at}.${key}` : key;
    if (value === null || isDefault(document, path, key, value)) return [];
    if (path === "sampling.extra") return isDocument(value) && Object.keys(value).length === 0 ? [] : [[key, value]];
    if (Array.isArray(value)) return value.length === 0 && isOptionalList(path) ? [] : [[key, value.map(withoutNulls)]];
    if (!isDocument(value)) return [[key, value]];
    const inside = stripped(value, path);
    return Object.keys(inside).length === 0 ? [] : [[key, inside]];
  });
  return Object.fromEntries(entries);
}

function isDefault(document: Document, path: string, key: string, value: unknown): boolean {
  if (path in DEFAULTS) return DEFAULTS[path] === value;
  if (path === "load.burstiness") return value === 1 && document.arrival !== "gamma" && document.kind !== "gamma";
  const isCut = document.kind === "normal" || document.kind === "lognormal";
  return isCut && /^workload\.\w+_tokens\.\w+$/.test(path) && LENGTH_DEFAULTS[key] === value;
}

function isOptionalList(path: string): boolean {
  return path === "tags" || path === "placement" || path === "explore.criteria";
}

/** Entries of lists: prompts, turns, steps. What is null in them was left out. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isDocument(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inside]) => (inside === null ? [] : [[key, withoutNulls(inside)]])),
  );
}
