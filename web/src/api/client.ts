/** The one way to the REST API: JSON in and out, errors as `ApiError`, one renewal of the session on a 401. */

import { ApiError, errorFromFailure, errorFromResponse } from "./errors";
import { dropLogin, keepLogin, oneTabAtATime, tokens } from "./session";
import type { Login, Tagged, User } from "./types";

const BASE = "/api/v1";
const TIMEOUT_MS = 30_000;

type Query = Record<string, string | number | readonly string[] | null | undefined>;

export interface CallOptions {
  query?: Query;
  body?: unknown;
  /** The tag of what is changed: refused with 412 when somebody changed it meanwhile. */
  ifMatch?: string | null;
  signal?: AbortSignal;
  /** For what is known to take long; 30 s by default. */
  timeoutMs?: number;
}

export interface SessionListener {
  /** There is a fresh access token, of this user. */
  onRenewed?: (user: User) => void;
  /** The session has ended and only signing in helps. */
  onSignedOut?: () => void;
}

const listeners = new Set<SessionListener>();

export function watchSession(listener: SessionListener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function address(path: string, query: Query | undefined): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (typeof value === "object" && value !== null) for (const one of value) search.append(name, one);
    else if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return `${BASE}${path}${text ? `?${text}` : ""}`;
}

async function send(method: string, path: string, options: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (tokens.token) headers.Authorization = `Bearer ${tokens.token}`;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.ifMatch) headers["If-Match"] = options.ifMatch;
  const timeout = AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS);
  try {
    return await fetch(address(path, options.query), {
      method,
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      credentials: "same-origin",
      signal: options.signal ? AbortSignal.any([options.signal, timeout]) : timeout,
    });
  } catch (reason) {
    if (options.signal?.aborted) throw reason;
    throw errorFromFailure(reason);
  }
}

async function read<Result>(response: Response): Promise<Result> {
  const text = await response.text();
  let body: unknown;
  try {
    body = text ? JSON.parse(text) : undefined;
  } catch {
    body = undefined;
  }
  if (!response.ok) throw errorFromResponse(response.status, body, response.headers.get("X-Request-ID"));
  return body as Result;
}

let renewal: Promise<boolean> | null = null;

/** Renews the session by its cookie; false when it is over. Calls at the same time share one renewal. */
export function renewSession(): Promise<boolean> {
  renewal ??= oneTabAtATime(async () => {
    const response = await send("POST", "/auth/refresh", {});
    if (response.ok) {
      const login = await read<Login>(response);
      keepLogin(login);
      for (const listener of [...listeners]) listener.onRenewed?.(login.user);
      return true;
    }
    if (response.status >= 500 || response.status === 429) await read(response);
    dropLogin();
    for (const listener of [...listeners]) listener.onSignedOut?.();
    return false;
  }).finally(() => {
    renewal = null;
  });
  return renewal;
}

/**
 * One call. A 401 renews the session and tries once more.
 *
 * @throws {ApiError} when the service refuses or cannot be reached
 */
export async function call<Result>(method: string, path: string, options: CallOptions = {}): Promise<Result> {
  return read<Result>(await answer(method, path, options));
}

/** As `call`, with the answer's entity tag, which a later change takes as `ifMatch`. */
export async function callTagged<Result>(
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<Tagged<Result>> {
  const response = await answer(method, path, options);
  return { value: await read<Result>(response), etag: response.headers.get("ETag") };
}

async function answer(method: string, path: string, options: CallOptions): Promise<Response> {
  if (tokens.token && Date.now() >= tokens.renewAt) await renewSession();
  const response = await send(method, path, options);
  if (response.status !== 401 || !(await renewSession())) return response;
  return send(method, path, options);
}

/**
 * Lets the browser save a file of any size, which it writes to disk while it comes. The browser itself asks for it, with
 * the cookie of the session, so ask for something small of the same kind first: its refusal can be shown.
 */
export function saveAs(path: string, name: string, query: Query): void {
  Object.assign(document.createElement("a"), { href: address(path, query), download: name }).click();
}

/**
 * Saves an answer that is no JSON as a file, under the name given here. What has a body is posted.
 *
 * @throws {ApiError} as `call`
 */
export async function download(path: string, name: string, options: CallOptions = {}): Promise<void> {
  if (tokens.token && Date.now() >= tokens.renewAt) await renewSession();
  const method = options.body === undefined ? "GET" : "POST";
  let response = await send(method, path, options);
  if (response.status === 401 && (await renewSession())) response = await send(method, path, options);
  if (!response.ok) await read<never>(response);
  const address = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement("a"), { href: address, download: name });
  link.click();
  // The browser has to have begun reading it; a minute is long enough and bounds the memory.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Signs in; a wrong password is an `ApiError` with status 401. */
export async function signIn(username: string, password: string): Promise<Login> {
  dropLogin();
  const login = await read<Login>(await send("POST", "/auth/login", { body: { username, password } }));
  keepLogin(login);
  return login;
}

/** Ends the session here and on the server. A server that cannot be reached does not keep anyone signed in here. */
export async function signOut(): Promise<void> {
  try {
    await send("POST", "/auth/logout", {});
  } catch (reason) {
    if (!(reason instanceof ApiError)) throw reason;
  } finally {
    dropLogin();
  }
}
