import { describe, expect, it } from "vitest";
import type { Capabilities, Price, ProviderModel } from "../../api/types";
import { abilities, asOf, furtherPrices, matching, origins, perMillion } from "./model-facts";

const CAPABILITIES: Capabilities = {
  streaming: true,
  vision: false,
  audio: null,
  tools: true,
  json_mode: null,
  embeddings: false,
  context_length: 128_000,
  max_output_tokens: null,
};

const PRICE: Price = {
  input: "2.50",
  output: "10",
  cache_read: "1.25",
  cache_write: null,
  reasoning: null,
  per_request: "0.01",
  is_tiered: true,
  source: "configuration",
  as_of: "2026-08-01",
};

const model = (id: string, title: string | null): ProviderModel => ({
  id,
  title,
  is_live: true,
  is_deprecated: null,
  capabilities: CAPABILITIES,
  price: null,
});

describe("model facts", () => {
  it("tells apart what is not possible and what is not known", () => {
    expect(abilities(CAPABILITIES)).toEqual({
      can: ["streaming", "tools"],
      cannot: ["images", "embeddings"],
      unknown: ["audio", "JSON mode"],
    });
  });

  it("shows prices as they are told, with their day", () => {
    expect(perMillion(PRICE.input)).toBe("$2.50");
    expect(perMillion(null)).toBe("—");
    const listed = { ...PRICE, source: "genai-prices 1", as_of: null };
    expect(asOf(PRICE)).toBe("2026-08-01");
    expect(asOf({ ...PRICE, as_of: null })).toBe("configured");
    expect(asOf(listed)).toBe("no date");
    const models = [PRICE, listed, listed, null].map((price) => ({ ...model("m", null), price }));
    expect(origins(models)).toEqual(["genai-prices 1", "your configuration"]);
    expect(furtherPrices(PRICE)).toEqual(["a request $0.01", "long prompts cost more"]);
  });

  it("finds models by words of their names and titles", () => {
    const models = [model("gpt-4o-mini", "GPT 4o mini"), model("o3", null)];
    expect(matching(models, "mini 4O").map((one) => one.id)).toEqual(["gpt-4o-mini"]);
    expect(matching(models, " ")).toHaveLength(2);
    expect(matching(models, "absent")).toHaveLength(0);
  });
});
