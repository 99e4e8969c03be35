import { describe, expect, it } from "vitest";
import type { RequestBody } from "../../api/types";
import { asCurl, variablesOf } from "./curl";

const REQUEST: RequestBody = {
  body: '{"model": "it\'s"}',
  body_bytes: 17,
  turn: null,
  note: null,
  method: "POST",
  url: "http://127.0.0.1:9/v1/chat/completions",
  headers: { "Content-Type": "application/json", Authorization: "Bearer $API_KEY" },
};

describe("a request as curl", () => {
  it("leaves the key to the shell and quotes the rest", () => {
    expect(asCurl(REQUEST)).toBe(
      "curl -sS -N -X POST http://127.0.0.1:9/v1/chat/completions \\\n" +
        "  -H 'Content-Type: application/json' \\\n" +
        '  -H "Authorization: Bearer $API_KEY" \\\n' +
        "  --data-binary '{\"model\": \"it'\\''s\"}'",
    );
    expect(variablesOf(REQUEST)).toEqual(["$API_KEY"]);
  });

  it("is nothing where the request is not known whole", () => {
    expect(asCurl({ ...REQUEST, url: null })).toBeNull();
    expect(asCurl({ ...REQUEST, body: null })).toBeNull();
    expect(asCurl({ ...REQUEST, body_bytes: 2_000_000 })).toBeNull();
  });
});
