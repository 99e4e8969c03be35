/** A spec as it fits a page: of lists that files filled, the first entries and how many more there are. */

import type { BenchmarkSpec } from "../../api/types";

const MOST_ENTRIES = 24;
const MOST_CHARACTERS = 4_000;

export interface Shortened {
  spec: unknown;
  isShort: boolean;
}

export function shortened(spec: BenchmarkSpec): Shortened {
  let isShort = false;
  const shorten = (value: unknown): unknown => {
    if (typeof value === "string" && value.length > MOST_CHARACTERS) {
      isShort = true;
      return `${value.slice(0, MOST_CHARACTERS)}… ${(value.length - MOST_CHARACTERS).toLocaleString("en-US")} more characters`;
    }
    if (Array.isArray(value)) {
      if (value.length <= MOST_ENTRIES) return value.map(shorten);
      isShort = true;
      const left = (value.length - MOST_ENTRIES).toLocaleString("en-US");
      return [...value.slice(0, MOST_ENTRIES).map(shorten), `… ${left} more`];
    }
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, shorten(inside)]));
  };
  return { spec: shorten(spec), isShort };
}
