// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { call, renewSession, signIn, watchSession } from "./client";
import { dropLogin, tokens } from "./session";

const USER = { id: "u", username: "admin", role: "admin", permissions: [] };
const login = (token: string, expires = 900) => ({
  access_token: token,
  token_type: "bearer",
  expires_in: expires,
  refresh_token: "r",
  user: USER,
});

interface Asked {
  method: string;
  url: string;
  authorization: string | undefined;
}

const asked: Asked[] = [];
let answers: Record<string, () => Response> = {};

function json(status: number, body: unknown = {}): () => Response {
  return () => new Response(status === 204 ? null : JSON.stringify(body), { status });
}

/** Answers in turn, the last one for ever. */
function inTurn(...responses: (() => Response)[]): () => Response {
  let next = 0;
  return () => {
    const response = responses[Math.min(next, responses.length - 1)];
    next += 1;
    if (!response) throw new Error("no answer is planned");
    return response();
  };
}

beforeEach(() => {
  dropLogin();
  asked.length = 0;
  answers = {};
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>;
    asked.push({ method: init.method ?? "GET", url, authorization: headers.Authorization });
    const answer = answers[`${init.method} ${url.split("?")[0]}`];
    if (!answer) throw new TypeError(`nothing answers ${init.method} ${url}`);
    return answer();
  });
});

afterEach(() => vi.unstubAllGlobals());

describe("call", () => {
  it("leaves empty parts of the query out", async () => {
    answers["GET /api/v1/benchmarks"] = json(200, { items: [] });
    await call("GET", "/benchmarks", { query: { status: "", q: "a b", cursor: null, limit: 5 } });
    expect(asked[0]?.url).toBe("/api/v1/benchmarks?q=a+b&limit=5");
  });

  it("sends the token that signing in gave", async () => {
    answers["POST /api/v1/auth/login"] = json(200, login("first"));
    answers["GET /api/v1/auth/me"] = json(200, USER);
    await signIn("admin", "secret");
    await call("GET", "/auth/me");
    expect(asked[1]?.authorization).toBe("Bearer first");
  });

  it("renews the session once on a 401 and tries again", async () => {
    answers["GET /api/v1/auth/me"] = inTurn(json(401), json(200, USER));
    answers["POST /api/v1/auth/refresh"] = json(200, login("second"));
    expect(await call("GET", "/auth/me")).toEqual(USER);
    expect(asked.map(({ url }) => url.slice(8))).toEqual(["auth/me", "auth/refresh", "auth/me"]);
    expect(asked[2]?.authorization).toBe("Bearer second");
  });

  it("gives up after one renewal", async () => {
    answers["GET /api/v1/auth/me"] = json(401);
    answers["POST /api/v1/auth/refresh"] = json(200, login("second"));
    await expect(call("GET", "/auth/me")).rejects.toMatchObject({ status: 401 });
    expect(asked).toHaveLength(3);
  });

  it("says that the session is over when it cannot be renewed", async () => {
    const listener = vi.fn();
    const remove = watchSession({ onSignedOut: listener });
    answers["GET /api/v1/auth/me"] = json(401);
    answers["POST /api/v1/auth/refresh"] = json(401);
    await expect(call("GET", "/auth/me")).rejects.toMatchObject({ status: 401 });
    expect(listener).toHaveBeenCalledTimes(1);
    expect(tokens.token).toBeNull();
    remove();
  });

  it("keeps the session when the service fails to renew it", async () => {
    const listener = vi.fn();
    const remove = watchSession({ onSignedOut: listener });
    answers["GET /api/v1/auth/me"] = json(401);
    answers["POST /api/v1/auth/refresh"] = json(503);
    await expect(call("GET", "/auth/me")).rejects.toMatchObject({ status: 503 });
    expect(listener).not.toHaveBeenCalled();
    remove();
  });

  it("renews ahead of the end, and once for calls at the same time", async () => {
    answers["POST /api/v1/auth/login"] = json(200, login("short", 0));
    answers["POST /api/v1/auth/refresh"] = json(200, login("long"));
    answers["GET /api/v1/auth/me"] = json(200, USER);
    await signIn("admin", "secret");
    await Promise.all([call("GET", "/auth/me"), call("GET", "/auth/me"), renewSession()]);
    expect(asked.filter(({ url }) => url.endsWith("refresh"))).toHaveLength(1);
    expect(asked.at(-1)?.authorization).toBe("Bearer long");
  });

  it("accepts an answer without a body", async () => {
    answers["DELETE /api/v1/benchmarks/1"] = json(204);
    expect(await call("DELETE", "/benchmarks/1")).toBeUndefined();
  });

  it("turns no answer into an error that can be shown", async () => {
    await expect(call("GET", "/nowhere")).rejects.toMatchObject({ code: "UNREACHABLE", retryable: true });
  });
});
