/** From the form of a user to what is sent. Pure. */

import type { Permission, Role, UserCreate, UserDetail, UserUpdate } from "../../api/types";

export interface UserDraft {
  role: string;
  team: string;
  email: string;
}

export interface NewUserDraft extends UserDraft {
  username: string;
  /** "" lets the service make one. */
  password: string;
}

export function draftOf(user: UserDetail): UserDraft {
  return { role: user.role, team: user.team ?? "", email: user.email ?? "" };
}

/** Only what differs from the stored user; null when nothing does. */
export function changesOf(draft: UserDraft, user: UserDetail): UserUpdate | null {
  const changes: UserUpdate = {};
  const team = draft.team.trim() || null;
  const email = draft.email.trim() || null;
  if (draft.role !== user.role) changes.role = draft.role;
  if (team !== user.team) changes.team = team;
  if (email !== user.email) changes.email = email;
  return Object.keys(changes).length > 0 ? changes : null;
}

export function newUserOf(draft: NewUserDraft): UserCreate {
  return {
    username: draft.username.trim(),
    role: draft.role,
    team: draft.team.trim() || null,
    email: draft.email.trim() || null,
    password: draft.password || null,
  };
}

/** The roles that someone with `permissions` can hand out: nobody gives more than they have. */
export function grantable(roles: readonly Role[], permissions: readonly Permission[]): Role[] {
  return roles.filter((role) => role.permissions.every((permission) => permissions.includes(permission)));
}

/** The choices of role in a form; `kept` stays one even when it could not be given. */
export function roleOptions(
  roles: readonly Role[],
  permissions: readonly Permission[],
  kept?: string,
): { value: string; label: string }[] {
  const options = grantable(roles, permissions).map(({ name, is_default: isDefault }) => ({
    value: name,
    label: isDefault ? `${name} (default)` : name,
  }));
  if (kept === undefined || options.some(({ value }) => value === kept)) return options;
  const isGone = !roles.some((role) => role.name === kept);
  return [{ value: kept, label: isGone ? `${kept} (not configured any more)` : kept }, ...options];
}
