import { describe, expect, it } from "vitest";
import { asApiError, errorFromFailure, errorFromResponse } from "./errors";

const ENVELOPE = {
  error: {
    code: "INVALID_REQUEST",
    message: "the spec is not valid",
    details: { errors: [{ path: "load.concurrency", message: "must be at least 1", allowed: { ge: 1 } }, "junk", {}] },
    retryable: false,
  },
  request_id: "req-1",
  timestamp: "2026-11-21T00:00:00Z",
};

describe("errorFromResponse", () => {
  it("reads the envelope", () => {
    const error = errorFromResponse(422, ENVELOPE, "header-id");
    expect(error).toMatchObject({ status: 422, code: "INVALID_REQUEST", requestId: "req-1", retryable: false });
    expect(error.problems).toEqual([{ path: "load.concurrency", message: "must be at least 1", allowed: { ge: 1 } }]);
  });

  it("names the missing permission", () => {
    const body = { error: { code: "FORBIDDEN", message: "no", details: { permission: "benchmark.read" } } };
    expect(errorFromResponse(403, body, null).permission).toBe("benchmark.read");
  });

  it.each([undefined, null, "text", 7, [], { error: "no" }, { error: { details: { errors: "x" } } }])(
    "stays readable when the body is %j",
    (body) => {
      const error = errorFromResponse(502, body, "header-id");
      expect(error.code).toBe("HTTP_502");
      expect(error.message).toContain("502");
      expect(error.requestId).toBe("header-id");
      expect(error.problems).toEqual([]);
    },
  );
});

describe("failures without an answer", () => {
  it("tells a timeout from a service that is away", () => {
    expect(errorFromFailure(new DOMException("", "TimeoutError")).code).toBe("TIMEOUT");
    expect(errorFromFailure(new TypeError("Failed to fetch")).code).toBe("UNREACHABLE");
  });

  it("wraps whatever else was thrown and keeps what is an error already", () => {
    expect(asApiError(new RangeError("odd")).message).toContain("odd");
    const error = errorFromFailure(null);
    expect(asApiError(error)).toBe(error);
  });
});
