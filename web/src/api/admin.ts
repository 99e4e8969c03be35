/** One function per operation of the pages about people, the audit trail, settings and the cluster. */

import { type CallOptions, call, callTagged, saveAs } from "./client";
import type {
  Alerts,
  ApiKey,
  ApiKeyCreate,
  ApiKeyCreated,
  AuditCheck,
  AuditEntry,
  Cluster,
  ConfiguredSetting,
  Page,
  PreferencesDocument,
  Role,
  RuntimeSettings,
  RuntimeSettingsUpdate,
  SignIn,
  UserCreate,
  UserCreated,
  UserDetail,
  UserUpdate,
} from "./types";

type Signal = CallOptions["signal"];

const at = encodeURIComponent;

/** How many sign-ins have ended by it. */
interface Ended {
  sign_ins_ended: number;
}

export const changePassword = (old_password: string, new_password: string) =>
  call<Ended>("POST", "/auth/password", { body: { old_password, new_password } });

export const listMySignIns = (signal?: Signal) => call<SignIn[]>("GET", "/auth/sessions", { signal });

export const endMySignIn = (id: string) => call<void>("DELETE", `/auth/sessions/${at(id)}`);

export const endMyOtherSignIns = () => call<Ended>("DELETE", "/auth/sessions");

export const listMyKeys = (signal?: Signal) => call<ApiKey[]>("GET", "/auth/apikey", { signal });

export const createKey = (body: ApiKeyCreate) => call<ApiKeyCreated>("POST", "/auth/apikey", { body });

/** One's own key; those who manage users revoke anyone's. */
export const revokeKey = (id: string) => call<void>("DELETE", "/auth/apikey", { query: { id } });

export const getPreferences = (signal?: Signal) =>
  callTagged<PreferencesDocument>("GET", "/me/preferences", { signal });

export const savePreferences = (document: Record<string, unknown>, ifMatch: string | null) =>
  callTagged<PreferencesDocument>("PUT", "/me/preferences", { body: { document }, ifMatch });

export const listRoles = (signal?: Signal) => call<Role[]>("GET", "/roles", { signal });

export const listUsers = (query: { q?: string; cursor?: string | null; limit?: number }, signal?: Signal) =>
  call<Page<UserDetail>>("GET", "/users", { query: { ...query }, signal });

export const getUser = (name: string, signal?: Signal) =>
  callTagged<UserDetail>("GET", `/users/${at(name)}`, { signal });

export const createUser = (body: UserCreate) => call<UserCreated>("POST", "/users", { body });

export const updateUser = (name: string, body: UserUpdate, ifMatch: string | null) =>
  callTagged<UserDetail>("PATCH", `/users/${at(name)}`, { body, ifMatch });

export const deleteUser = (name: string, ifMatch: string | null) =>
  call<void>("DELETE", `/users/${at(name)}`, { ifMatch });

/** Without a password the service makes one, and answers it this once. */
export const resetPassword = (name: string, password: string | null) =>
  call<{ password: string | null }>("POST", `/users/${at(name)}/password`, { body: { password } });

export const listSignInsOf = (name: string, signal?: Signal) =>
  call<SignIn[]>("GET", `/users/${at(name)}/sessions`, { signal });

export const endSignInsOf = (name: string) => call<Ended>("DELETE", `/users/${at(name)}/sessions`);

export const listKeysOf = (name: string, signal?: Signal) =>
  call<ApiKey[]>("GET", `/users/${at(name)}/apikeys`, { signal });

export interface AuditQuery {
  actor?: string;
  action?: string;
  resource_type?: string;
  resource_id?: string;
  since?: string;
  until?: string;
}

export const listAudit = (query: AuditQuery & { cursor?: string | null; limit?: number }, signal?: Signal) =>
  call<Page<AuditEntry>>("GET", "/audit", { query: { ...query }, signal });

export const getAuditEntry = (sequence: number, signal?: Signal) =>
  call<AuditEntry>("GET", `/audit/${sequence}`, { signal });

export const verifyAudit = (anchor: string) =>
  call<AuditCheck>("GET", "/audit/verify", { query: { anchor }, timeoutMs: 300_000 });

/** Asks for one entry first, so that a refusal is shown here and not written into a file. */
export async function exportAudit(query: AuditQuery, format: "csv" | "jsonl"): Promise<void> {
  await listAudit({ ...query, limit: 1 });
  saveAs("/audit/export", `audit.${format}`, { ...query, format });
}

export const getSettings = (signal?: Signal) => callTagged<RuntimeSettings>("GET", "/settings", { signal });

export const updateSettings = (body: RuntimeSettingsUpdate, ifMatch: string | null) =>
  callTagged<RuntimeSettings>("PATCH", "/settings", { body, ifMatch });

export const getConfiguration = (signal?: Signal) =>
  call<ConfiguredSetting[]>("GET", "/settings/configuration", { signal });

export const listAlerts = (signal?: Signal) => call<Alerts>("GET", "/alerts", { signal });

export const getCluster = (signal?: Signal) => call<Cluster>("GET", "/cluster", { signal });
