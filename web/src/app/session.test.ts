// @vitest-environment happy-dom
import { beforeEach, expect, it, vi } from "vitest";
import { call } from "../api/client";
import { dropLogin } from "../api/session";
import { giveUpSession, may, me, resumeSession, session, signInAgain } from "./session";

vi.mock("../live", () => ({ live: { start: () => {}, stop: () => {}, authenticate: () => {} } }));

const USER = { id: "1", username: "ada", role: "user", team: null, permissions: ["benchmark.read"] };
const LOGIN = { access_token: "t", token_type: "bearer", expires_in: 900, refresh_token: "r", user: USER };

let isSignedIn: boolean;

beforeEach(() => {
  dropLogin();
  localStorage.setItem("ltb.session", "1");
  isSignedIn = true;
  vi.stubGlobal("fetch", async (url: string) => {
    if (url.endsWith("/auth/login")) isSignedIn = true;
    if (!isSignedIn) return new Response("{}", { status: 401 });
    if (url.endsWith("/auth/login") || url.endsWith("/auth/refresh")) return new Response(JSON.stringify(LOGIN));
    if (url.endsWith("/me/preferences")) return new Response(JSON.stringify({ document: {}, version: 0 }));
    return new Response(JSON.stringify(USER));
  });
});

it("keeps the page, and what its user may see, when the session ends elsewhere", async () => {
  await resumeSession();
  expect(session.value.state).toBe("in");
  isSignedIn = false;
  await expect(call("GET", "/providers")).rejects.toMatchObject({ status: 401 });
  expect(session.value).toMatchObject({ state: "ended", user: { username: "ada" } });
  expect(may("benchmark.read")).toBe(true);

  await signInAgain("ada", "secret");
  expect(session.value.state).toBe("in");

  isSignedIn = false;
  await expect(call("GET", "/providers")).rejects.toMatchObject({ status: 401 });
  giveUpSession();
  expect(session.value.state).toBe("out");
  expect(me()).toBeNull();
  expect(may("benchmark.read")).toBe(false);
});

it("asks for a sign-in when there is no session to begin with", async () => {
  isSignedIn = false;
  await resumeSession();
  expect(session.value.state).toBe("out");
});
