// @vitest-environment happy-dom
import { render } from "preact";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { SignInMethods } from "../../api/types";
import { SignIn } from "./SignIn";

const CORP = { name: "corp", label: "Example Corp", login_url: "/corp/login", logout_url: "/corp/logout" };
const RULES = { min_password_characters: 12, max_password_characters: 128 };

/** The page once the service has said which ways there are; `null` is a service that does not answer. */
async function shown(methods: SignInMethods | null): Promise<HTMLElement> {
  const answer = async () => (methods ? Response.json(methods) : Promise.reject(new TypeError("unreachable")));
  vi.stubGlobal("fetch", vi.fn(answer));
  const root = document.createElement("div");
  document.body.append(root);
  render(<SignIn />, root);
  await vi.waitFor(() => expect(root.querySelector("input, a")).not.toBeNull());
  return root;
}

afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

describe("the sign-in page", () => {
  it("asks for a password beside identity providers", async () => {
    const root = await shown({ password: true, oidc: [CORP], ...RULES });
    expect(root.querySelectorAll("input")).toHaveLength(2);
    expect(root.textContent).toContain("Sign in with Example Corp");
    expect(root.textContent).toContain("data/admin-password");
  });

  it("asks for none where passwords are switched off", async () => {
    const root = await shown({ password: false, oidc: [CORP], ...RULES });
    expect(root.querySelectorAll("input, button")).toHaveLength(0);
    expect(root.querySelector("a")?.getAttribute("href")).toContain("/corp/login?next=");
    expect(root.textContent).not.toContain("admin-password");
  });

  it("keeps the form where it cannot find out", async () => {
    expect((await shown(null)).querySelectorAll("input")).toHaveLength(2);
  });
});
