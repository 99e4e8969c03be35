/**
 * Who is signed in, as far as the browser may know: the access token lives in memory only, the refresh token in a cookie
 * that scripts cannot read. After a reload the cookies alone carry the session.
 */

import type { Login } from "./types";

export interface TokenStore {
  token: string | null;
  /** When to renew the token, ahead of its end; ms since the epoch. */
  renewAt: number;
}

export const tokens: TokenStore = { token: null, renewAt: 0 };

export function keepLogin(login: Login): void {
  tokens.token = login.access_token;
  tokens.renewAt = Date.now() + login.expires_in * 800;
}

export function dropLogin(): void {
  tokens.token = null;
  tokens.renewAt = 0;
}

/**
 * Runs `renew` while no other tab does. Refresh tokens are rotated and a reused one ends the whole session, so two tabs
 * must never send the same one. (Without the Locks API, off https and loopback, tabs take that risk.)
 */
export async function oneTabAtATime<Result>(renew: () => Promise<Result>): Promise<Result> {
  const locks: LockManager | undefined | null = navigator.locks;
  if (!locks) return renew();
  return locks.request("ltb.refresh", renew) as Promise<Result>;
}
