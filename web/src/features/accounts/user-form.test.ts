import { describe, expect, it } from "vitest";
import type { Role, UserDetail } from "../../api/types";
import { changesOf, draftOf, newUserOf, roleOptions } from "./user-form";

const USER: UserDetail = {
  id: "1",
  username: "ada",
  role: "user",
  team: "search",
  email: null,
  is_active: true,
  created_at: "2026-11-21T00:00:00Z",
  updated_at: "2026-11-21T00:00:00Z",
  last_login_at: null,
};
const role = (name: string, ...permissions: Role["permissions"]): Role => ({
  name,
  permissions,
  built_in: true,
  is_default: name === "viewer",
});
const ROLES = [role("admin", "user.manage", "admin.audit"), role("viewer", "benchmark.read")];

describe("the form of a user", () => {
  it("sends only what was changed, and takes away what was emptied", () => {
    expect(changesOf(draftOf(USER), USER)).toBeNull();
    expect(changesOf({ role: "viewer", team: " ", email: " a@b.example " }, USER)).toEqual({
      role: "viewer",
      team: null,
      email: "a@b.example",
    });
  });

  it("lets the service make the password when none is given", () => {
    const draft = { username: " ada ", role: "user", team: "", email: "", password: "" };
    expect(newUserOf(draft)).toEqual({ username: "ada", role: "user", team: null, email: null, password: null });
  });

  it("offers no role that may do more than the one who gives it", () => {
    const values = (kept?: string) => roleOptions(ROLES, ["user.manage", "benchmark.read"], kept);
    expect(values()).toEqual([{ value: "viewer", label: "viewer (default)" }]);
    expect(values("admin")[0]).toEqual({ value: "admin", label: "admin" });
    expect(values("auditor")[0]).toEqual({ value: "auditor", label: "auditor (not configured any more)" });
  });
});
