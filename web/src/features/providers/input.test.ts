import { describe, expect, it } from "vitest";
import type { Provider } from "../../api/types";
import { changesOf, draftOf, EMPTY_PROVIDER, fieldProblems, inputOf, needsKeyAgain, parseHeaders } from "./input";

const PROVIDER: Provider = {
  id: "1",
  name: "lab",
  kind: "openai",
  base_url: "https://gpu.example/v1",
  has_api_key: true,
  api_key_ref: null,
  default_model: "m",
  options: { headers: { "X-Team": "a: b" }, verify_tls: false },
  definition: null,
  is_enabled: true,
  created_at: "2026-11-21T00:00:00Z",
  updated_at: "2026-11-21T00:00:00Z",
};

describe("provider input", () => {
  it("comes back as it was when nothing is changed", () => {
    expect(changesOf(draftOf(PROVIDER), PROVIDER)).toEqual({});
    expect(inputOf(draftOf(PROVIDER)).options).toEqual(PROVIDER.options);
  });

  it("sends only changes, and a key only when one was typed", () => {
    const draft = { ...draftOf(PROVIDER), keySource: "key" as const, apiKey: "k", defaultModel: "", isEnabled: false };
    expect(changesOf(draft, PROVIDER)).toEqual({ api_key: "k", default_model: null, is_enabled: false });
    expect(changesOf({ ...draftOf(PROVIDER), apiKey: "left over" }, PROVIDER)).toEqual({});
  });

  it("keeps, replaces or forgets a key only as chosen", () => {
    const draft = draftOf(PROVIDER);
    const reference = { ...draft, keySource: "reference" as const, apiKey: "k", apiKeyRef: " env:KEY " };
    expect(changesOf(reference, PROVIDER)).toEqual({ api_key_ref: "env:KEY" });
    expect(changesOf({ ...draft, keySource: "none" }, PROVIDER)).toEqual({ api_key: null });
    expect(changesOf({ ...draft, keySource: "key" }, PROVIDER)).toEqual({ api_key: "" });
    const bare = { ...PROVIDER, has_api_key: false };
    expect(changesOf(draftOf(bare), bare)).toEqual({});
    expect(inputOf({ ...EMPTY_PROVIDER, apiKey: "typed, then not chosen" })).not.toHaveProperty("api_key");
  });

  it("puts what the service refuses at its field", () => {
    const problems = [
      { path: "options.headers", message: "a" },
      { path: "options.verify_tls", message: "b" },
      { path: "api_key_ref", message: "c" },
      { path: "(body)", message: "d" },
      { path: "options.headers", message: "e" },
    ];
    expect(fieldProblems(problems)).toEqual({
      at: { options: "a; e", "options.verify_tls": "b", api_key_ref: "c" },
      elsewhere: ["(body): d"],
    });
  });

  it("sends the definition of a custom provider as text, and only there", () => {
    const custom = { ...PROVIDER, kind: "custom", definition: { select: { text: "$.a" } } };
    expect(changesOf(draftOf(custom), custom)).toEqual({});
    expect(changesOf({ ...draftOf(custom), definition: "[select]" }, custom)).toEqual({ definition: "[select]" });
    expect(inputOf({ ...EMPTY_PROVIDER, definition: "typed, then not chosen" })).not.toHaveProperty("definition");
    expect(fieldProblems([{ path: "definition.select.text", message: "is wrong" }]).at).toEqual({
      definition: "select.text: is wrong",
    });
  });

  it("reads headers line by line", () => {
    expect(parseHeaders("A: 1\n\nB:x:y\nodd")).toEqual({ A: "1", B: "x:y", odd: "" });
  });

  it("asks for the key again when it would go elsewhere", () => {
    const draft = draftOf(PROVIDER);
    expect(needsKeyAgain(draft, PROVIDER)).toBe(false);
    expect(needsKeyAgain({ ...draft, baseUrl: "https://gpu.example/v2" }, PROVIDER)).toBe(false);
    expect(needsKeyAgain({ ...draft, baseUrl: "https://gpu.example:8443/v1" }, PROVIDER)).toBe(true);
    const moved = { ...draft, baseUrl: "http://gpu.example/v1" };
    expect(needsKeyAgain({ ...moved, keySource: "key", apiKey: "k" }, PROVIDER)).toBe(false);
    expect(needsKeyAgain({ ...moved, keySource: "none" }, PROVIDER)).toBe(false);
    expect(needsKeyAgain({ ...draft, baseUrl: "http://x/" }, null)).toBe(false);
  });
});
