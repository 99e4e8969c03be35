/** Reads what was typed: values by path, what is wrong with the others, and which paths the form has a field for. */

import type { Length } from "../../api/types";
import type { LengthDraft } from "./draft";
import type { Problems } from "./problems";

export class Reader {
  /** Texts that are no value; worth saying while one still types. */
  readonly problems: Problems = {};
  /** What is needed and not there; worth saying when the form is sent. */
  readonly missing: Problems = {};
  /** The paths that have been read: those are the fields of the form as it stands. */
  readonly paths: string[] = [];

  /** A field whose value needs no reading. */
  field<Value>(path: string, value: Value): Value {
    this.paths.push(path);
    return value;
  }

  /** A text that must not be empty. */
  text(path: string, text: string): string {
    this.paths.push(path);
    if (text.trim() === "") this.missing[path] = "is needed";
    return text;
  }

  /** A number, or undefined for an empty field. */
  number(path: string, text: string): number | undefined {
    this.paths.push(path);
    const trimmed = withoutGroups(text);
    if (trimmed === "") return undefined;
    const value = Number(trimmed);
    if (Number.isFinite(value)) return value;
    this.problems[path] = "must be a number";
    return undefined;
  }

  whole(path: string, text: string): number | undefined {
    const value = this.number(path, text);
    if (value === undefined || Number.isSafeInteger(value)) return value;
    this.problems[path] = Number.isInteger(value)
      ? "must be below 9,007,199,254,740,992 here"
      : "must be a whole number";
    return undefined;
  }

  /** A percentage, as the share that is sent. */
  share(path: string, text: string): number | undefined {
    const value = this.number(path, text);
    // 0.1 % is 0.001 and not 0.0010000000000000002.
    return value === undefined ? undefined : Number((value / 100).toPrecision(12));
  }

  neededNumber(path: string, text: string): number {
    return this.#needed(path, this.number(path, text));
  }

  neededWhole(path: string, text: string): number {
    return this.#needed(path, this.whole(path, text));
  }

  /** Numbers separated by commas, spaces or line ends. */
  numbers(path: string, text: string, { whole = false } = {}): number[] {
    this.paths.push(path);
    const words = text.split(/[\s,;]+/).filter(Boolean);
    const values = words.map(Number);
    const wrong = values.findIndex((value) => (whole ? !Number.isSafeInteger(value) : !Number.isFinite(value)));
    if (wrong >= 0) {
      const shown = (words[wrong] ?? "").slice(0, 40);
      this.problems[path] = `“${shown}” is not a ${whole ? "whole " : ""}number; separate them by commas`;
    } else if (values.length === 0) {
      this.missing[path] = "is needed: numbers separated by commas";
    }
    return wrong >= 0 ? [] : values;
  }

  /** A number of tokens, or a distribution of it. */
  length(path: string, draft: LengthDraft): Length {
    switch (draft.kind) {
      case "fixed":
        return this.neededWhole(path, draft.tokens);
      case "normal":
      case "lognormal": {
        const mean = this.neededNumber(`${path}.mean`, draft.mean);
        const stdev = this.neededNumber(`${path}.stdev`, draft.stdev);
        const minimum = this.whole(`${path}.minimum`, draft.minimum);
        const maximum = this.whole(`${path}.maximum`, draft.maximum);
        return {
          kind: draft.kind,
          mean,
          stdev,
          ...(minimum === undefined ? {} : { minimum }),
          ...(maximum === undefined ? {} : { maximum }),
        };
      }
      case "uniform":
        return {
          kind: "uniform",
          minimum: this.neededWhole(`${path}.minimum`, draft.minimum),
          maximum: this.neededWhole(`${path}.maximum`, draft.maximum),
        };
      case "empirical": {
        const values = this.numbers(`${path}.values`, draft.values, { whole: true });
        const weighted = this.field(`${path}.weights`, draft.weights).trim() !== "";
        return {
          kind: "empirical",
          values,
          ...(weighted ? { weights: this.numbers(`${path}.weights`, draft.weights) } : {}),
        };
      }
    }
  }

  /** A JSON object, or undefined for an empty field. */
  object(path: string, text: string): Record<string, unknown> | undefined {
    this.paths.push(path);
    if (text.trim() === "") return undefined;
    const value = this.#json(path, text);
    if (value === undefined) return undefined;
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    this.problems[path] = 'must be a JSON object, e.g. {"top_k": 40}';
    return undefined;
  }

  /** A JSON list, which the service judges; empty when it is none. */
  list(path: string, text: string): unknown[] {
    this.paths.push(path);
    if (text.trim() === "") {
      this.missing[path] = "is needed";
      return [];
    }
    const value = this.#json(path, text);
    if (value === undefined || Array.isArray(value)) return value ?? [];
    this.problems[path] = "must be a JSON list: [ … ]";
    return [];
  }

  #json(path: string, text: string): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch (reason) {
      this.problems[path] = `is not JSON: ${reason instanceof Error ? reason.message : String(reason)}`;
      return undefined;
    }
  }

  #needed(path: string, value: number | undefined): number {
    if (value === undefined && !this.problems[path]) this.missing[path] = "is needed";
    return value ?? 0;
  }
}

/** Without the separators of thousands that people type. */
function withoutGroups(text: string): string {
  return text.trim().replaceAll(/[\s,_](?=\d{3}\b)/g, "");
}

/** Drops entries without a value, and the whole object when nothing is left. */
export function compact<Part extends object>(part: Part): Partial<Part> | undefined {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? (Object.fromEntries(entries) as Partial<Part>) : undefined;
}

/** The lines of a text that hold something. */
export function lines(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}
