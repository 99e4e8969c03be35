/** Who is signed in, and what they may do. */

import { signal } from "@preact/signals";
import * as client from "../api/client";
import { getMe } from "../api/endpoints";
import type { ApiError } from "../api/errors";
import { asApiError } from "../api/errors";
import { tokens } from "../api/session";
import type { Permission, User } from "../api/types";
import { live } from "../live";
import { forgetPreferences, loadPreferences } from "./preferences";
import { navigate, place } from "./router";

/** `unknown` until the cookies have been tried. */
export type Session =
  | { state: "unknown" }
  | { state: "unreachable"; error: ApiError }
  | { state: "out" }
  | { state: "in"; user: User }
  /** It ended while a page was open: elsewhere, or by its age. The page stays, with what was typed, behind a sign-in. */
  | { state: "ended"; user: User };

export const session = signal<Session>({ state: "unknown" });

// Says that cookies may exist (scripts cannot see them), so that a first visit does not start with a refused request.
const HINT = "ltb.session";

function hint(value: boolean): void {
  try {
    if (value) localStorage.setItem(HINT, "1");
    else localStorage.removeItem(HINT);
  } catch {
    // Storage is blocked: every start tries the cookies.
  }
}

function hinted(): boolean {
  try {
    return localStorage.getItem(HINT) === "1";
  } catch {
    return true;
  }
}

// The identity provider of the sign-in, so that signing out can end there too.
const VIA = "ltb.via";

function remember(via: string | null): void {
  try {
    if (via) localStorage.setItem(VIA, via);
    else localStorage.removeItem(VIA);
  } catch {
    // Storage is blocked: signing out ends here only.
  }
}

function remembered(): string | null {
  try {
    return localStorage.getItem(VIA);
  } catch {
    return null;
  }
}

let renewal: ReturnType<typeof setTimeout> | undefined;

/** Renews the token before it ends, also while nobody clicks: a live view lasts longer than a token. */
function renewInTime(): void {
  clearTimeout(renewal);
  if (!tokens.token) return;
  renewal = setTimeout(
    () => {
      // When the service is away the token ends, and the next call or the live connection renews it.
      client.renewSession().catch(() => {});
    },
    Math.max(0, tokens.renewAt - Date.now()),
  );
}

function renewed(user: User): void {
  const before = me();
  if (before && before.id !== user.id) {
    // The cookie is of somebody who signed in here in another tab: nothing of this page is theirs.
    location.assign("/");
    return;
  }
  renewInTime();
  live.authenticate();
}

function entered(user: User): void {
  hint(true);
  renewInTime();
  session.value = { state: "in", user };
  live.start();
  void loadPreferences();
}

function left(): void {
  halt();
  session.value = { state: "out" };
  forgetPreferences();
}

function ended(): void {
  const current = session.value;
  if (!hasUser(current)) {
    left();
    return;
  }
  halt();
  session.value = { state: "ended", user: current.user };
}

function halt(): void {
  hint(false);
  clearTimeout(renewal);
  live.stop();
}

export function may(permission: Permission): boolean {
  const current = session.value;
  return hasUser(current) && current.user.permissions.includes(permission);
}

function hasUser(current: Session): current is Session & { user: User } {
  return current.state === "in" || current.state === "ended";
}

/** Who is (or, until they sign in again, was) signed in. */
export function me(): User | null {
  const current = session.value;
  return hasUser(current) ? current.user : null;
}

let stopWatching = () => {};

/** Finds out whether the cookies of an earlier visit still hold. */
export async function resumeSession(): Promise<void> {
  stopWatching();
  stopWatching = client.watchSession({ onRenewed: renewed, onSignedOut: ended });
  const query = new URLSearchParams(location.search);
  const arrived = location.pathname === "/signin" && !query.has("error") ? query.get("via") : null;
  if (arrived) remember(arrived);
  if (!hinted() && !arrived) {
    left();
    return;
  }
  session.value = { state: "unknown" };
  try {
    entered(await getMe());
  } catch (reason) {
    const error = asApiError(reason);
    if (error.status === 401) left();
    else session.value = { state: "unreachable", error };
  }
}

export async function signIn(username: string, password: string): Promise<void> {
  const login = await client.signIn(username, password);
  remember(null);
  entered(login.user);
}

/** Signs in again on a page that stayed open; another user starts anew, so that nothing of the one before is left. */
export async function signInAgain(username: string, password: string): Promise<void> {
  const before = me();
  const login = await client.signIn(username, password);
  remember(null);
  if (before && before.id !== login.user.id) {
    hint(true);
    location.assign("/");
    return;
  }
  entered(login.user);
}

/** From an ended session to the page of signing in. */
export function giveUpSession(): void {
  left();
}

export async function signOut(): Promise<void> {
  const via = remembered();
  await client.signOut();
  remember(null);
  left();
  if (via) location.assign(`/api/v1/auth/oidc/${encodeURIComponent(via)}/logout`);
  else navigate("/signin");
}

/** Where to sign in and then come back to the page that is open now. */
export function signInAddress(): string {
  const back = place.value.path + place.value.query;
  return back === "/" ? "/signin" : `/signin?next=${encodeURIComponent(back)}`;
}
