/** From the provider form to what is sent, and what must be sent together. */

import type { FieldProblem } from "../../api/errors";
import type { Provider, ProviderChanges, ProviderInput } from "../../api/types";

/** Where the key comes from: as it is stored, none, typed here, or read from elsewhere at each use. */
export type KeySource = "keep" | "none" | "key" | "reference";

export interface ProviderDraft {
  name: string;
  kind: string;
  baseUrl: string;
  keySource: KeySource;
  apiKey: string;
  apiKeyRef: string;
  defaultModel: string;
  /** Of the kind `custom`: the text of its TOML file, or JSON. */
  definition: string;
  headers: string;
  verifyTls: boolean;
  isEnabled: boolean;
}

/** The kind that its definition describes. */
export const CUSTOM = "custom";

export const EMPTY_PROVIDER: ProviderDraft = {
  name: "",
  kind: "openai-compatible",
  baseUrl: "",
  keySource: "none",
  apiKey: "",
  apiKeyRef: "",
  defaultModel: "",
  definition: "",
  headers: "",
  verifyTls: true,
  isEnabled: true,
};

export function draftOf(provider: Provider): ProviderDraft {
  const headers = Object.entries(provider.options.headers ?? {});
  return {
    name: provider.name,
    kind: provider.kind,
    baseUrl: provider.base_url,
    keySource: provider.has_api_key ? "keep" : "none",
    apiKey: "",
    apiKeyRef: "",
    defaultModel: provider.default_model ?? "",
    definition: provider.definition ? JSON.stringify(provider.definition, null, 2) : "",
    headers: headers.map(([name, value]) => `${name}: ${value}`).join("\n"),
    verifyTls: provider.options.verify_tls ?? true,
    isEnabled: provider.is_enabled,
  };
}

/** Lines of `Name: value`; a line without a colon is a name with an empty value, which the service will judge. */
export function parseHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const colon = line.indexOf(":");
    const name = (colon < 0 ? line : line.slice(0, colon)).trim();
    headers[name] = colon < 0 ? "" : line.slice(colon + 1).trim();
  }
  return headers;
}

export function inputOf(draft: ProviderDraft): ProviderInput {
  const headers = parseHeaders(draft.headers);
  return {
    name: draft.name.trim(),
    kind: draft.kind.trim(),
    ...(draft.baseUrl.trim() ? { base_url: draft.baseUrl.trim() } : {}),
    ...keyOf(draft),
    default_model: draft.defaultModel.trim() || null,
    ...(draft.kind.trim() === CUSTOM ? { definition: draft.definition } : {}),
    options: {
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(draft.verifyTls ? {} : { verify_tls: false }),
    },
    is_enabled: draft.isEnabled,
  };
}

/** An empty key is sent as one, so that the service's refusal stands at its field instead of the key being forgotten. */
function keyOf(draft: ProviderDraft): Pick<ProviderInput, "api_key" | "api_key_ref"> {
  if (draft.keySource === "key") return { api_key: draft.apiKey };
  if (draft.keySource === "reference") return { api_key_ref: draft.apiKeyRef.trim() };
  return {};
}

/** Only what differs from the stored provider; its name is fixed. */
export function changesOf(draft: ProviderDraft, provider: Provider): ProviderChanges {
  const { name: _, ...input } = inputOf(draft);
  const forgets = draft.keySource === "none" && provider.has_api_key;
  const before = inputOf(draftOf(provider));
  const changed = Object.entries(input).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(before[field as keyof ProviderInput]),
  );
  return { ...Object.fromEntries(changed), ...(forgets ? { api_key: null } : {}) };
}

/** Whether the stored key would go to another place than it was given for, so that it is needed again. */
export function needsKeyAgain(draft: ProviderDraft, provider: Provider | null): boolean {
  if (!provider?.has_api_key || draft.keySource !== "keep") return false;
  return originOf(draft.baseUrl) !== originOf(provider.base_url);
}

function originOf(url: string): string {
  try {
    return new URL(url.trim()).origin;
  } catch {
    return url.trim();
  }
}

/** The problem of each field of the form, by the path that the service names; the others have no field to stand at. */
export function fieldProblems(problems: readonly FieldProblem[]): { at: Record<string, string>; elsewhere: string[] } {
  const at: Record<string, string> = {};
  const elsewhere: string[] = [];
  for (const { path, message } of problems) {
    const field = FIELDS.find((name) => path === name || path.startsWith(`${name}.`));
    // A definition is long: where in it the problem is has to be said.
    const said = field === "definition" && path !== field ? `${path.slice(field.length + 1)}: ${message}` : message;
    if (!field) elsewhere.push(path ? `${path}: ${message}` : message);
    else at[field] = at[field] ? `${at[field]}; ${said}` : said;
  }
  return { at, elsewhere };
}

const FIELDS = [
  "name",
  "kind",
  "base_url",
  "api_key",
  "api_key_ref",
  "default_model",
  "definition",
  "options.verify_tls",
  "options",
  "is_enabled",
];
