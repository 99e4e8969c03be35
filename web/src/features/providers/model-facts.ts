/** What is known of kinds and models, in words. Pure. */

import type { Capabilities, Price, ProviderModel } from "../../api/types";
import { count, MISSING } from "../../ui/numbers";

const FLAGS = [
  ["streaming", "streaming"],
  ["vision", "images"],
  ["audio", "audio"],
  ["tools", "tools"],
  ["json_mode", "JSON mode"],
  ["embeddings", "embeddings"],
] as const satisfies readonly (readonly [keyof Capabilities, string])[];

/** What can be done, what cannot, and what depends on the server: each as a list of words. */
export function abilities(found: Capabilities): { can: string[]; cannot: string[]; unknown: string[] } {
  const words = (wanted: boolean | null) => FLAGS.filter(([name]) => found[name] === wanted).map(([, word]) => word);
  return { can: words(true), cannot: words(false), unknown: words(null) };
}

/** A number of tokens: "128,000". */
export function tokens(value: number | null): string {
  return count(value);
}

/** US dollars per million tokens, exactly as the service tells them. */
export function perMillion(value: string | null | undefined): string {
  return value === null || value === undefined ? MISSING : `$${value}`;
}

/** Of which day a price is, which is what makes it worth anything; one's own hold until they are changed. */
export function asOf(price: Price): string {
  if (price.as_of) return price.as_of;
  return price.source === "configuration" ? "configured" : "no date";
}

/** Where the prices of a list come from, each source once. */
export function origins(models: readonly ProviderModel[]): string[] {
  const sources = new Set(models.flatMap(({ price }) => (price ? [price.source] : [])));
  return [...sources].map((source) => (source === "configuration" ? "your configuration" : source)).sort();
}

/** Everything that is charged besides plain input and output. */
export function furtherPrices(price: Price): string[] {
  const parts: [string, string | null, string][] = [
    ["cache writes", price.cache_write, " per million"],
    ["reasoning", price.reasoning, " per million"],
    ["a request", price.per_request, ""],
  ];
  const found = parts.flatMap(([what, value, unit]) => (value === null ? [] : [`${what} $${value}${unit}`]));
  return price.is_tiered ? [...found, "long prompts cost more"] : found;
}

/** Those whose name or title holds every word of `text`. */
export function matching(models: readonly ProviderModel[], text: string): ProviderModel[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return models.filter((model) => {
    const name = `${model.id} ${model.title ?? ""}`.toLowerCase();
    return words.every((word) => name.includes(word));
  });
}
