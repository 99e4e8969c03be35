/** From the provider form to what is sent, and what must be sent together. */

import type { Provider, ProviderChanges, ProviderInput } from "../../api/types";

export interface ProviderDraft {
  name: string;
  kind: string;
  baseUrl: string;
  apiKey: string;
  defaultModel: string;
  headers: string;
  verifyTls: boolean;
  isEnabled: boolean;
}

export const EMPTY_PROVIDER: ProviderDraft = {
  name: "",
  kind: "openai-compatible",
  baseUrl: "",
  apiKey: "",
  defaultModel: "",
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
    apiKey: "",
    defaultModel: provider.default_model ?? "",
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
    ...(draft.apiKey ? { api_key: draft.apiKey } : {}),
    default_model: draft.defaultModel.trim() || null,
    options: {
      ...(Object.keys(headers).length > 0 ? { headers } : {}),
      ...(draft.verifyTls ? {} : { verify_tls: false }),
    },
    is_enabled: draft.isEnabled,
  };
}

/** Only what differs from the stored provider; its name is fixed. */
export function changesOf(draft: ProviderDraft, provider: Provider): ProviderChanges {
  const { name: _, ...input } = inputOf(draft);
  const before = inputOf(draftOf(provider));
  const changed = Object.entries(input).filter(
    ([field, value]) => JSON.stringify(value) !== JSON.stringify(before[field as keyof ProviderInput]),
  );
  return Object.fromEntries(changed);
}

/** Whether the stored key would go to another place than it was given for, so that it is needed again. */
export function needsKeyAgain(draft: ProviderDraft, provider: Provider | null): boolean {
  if (!provider?.has_api_key || draft.apiKey) return false;
  return originOf(draft.baseUrl) !== originOf(provider.base_url);
}

function originOf(url: string): string {
  try {
    return new URL(url.trim()).origin;
  } catch {
    return url.trim();
  }
}
