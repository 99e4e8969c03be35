import type { Provider } from "../../api/types";
import { Choice, TextField } from "../../ui/Field";
import { type KeySource, needsKeyAgain, type ProviderDraft } from "./input";

interface KeyFieldsProps {
  draft: ProviderDraft;
  provider: Provider | null;
  problems: Record<string, string>;
  change: (part: Partial<ProviderDraft>) => void;
}

/** Where the key comes from, and the key or its reference. */
export function KeyFields({ draft, provider, problems, change }: KeyFieldsProps) {
  const isKeyNeeded = needsKeyAgain(draft, provider);
  const kept = provider?.has_api_key
    ? [{ value: "keep", label: provider.api_key_ref ? "Keep the reference" : "Keep the stored key" }]
    : [];
  const options = [
    ...kept,
    { value: "key", label: provider?.has_api_key && !provider.api_key_ref ? "Another key" : "A key" },
    { value: "reference", label: "A reference" },
    { value: "none", label: provider?.has_api_key ? "Forget it" : "None" },
  ];
  const keepProblem = isKeyNeeded
    ? "The address has changed: give the key or its reference again, so that it never goes where it was not meant for, or forget it."
    : draft.keySource === "keep" || draft.keySource === "none"
      ? (problems.api_key ?? problems.api_key_ref)
      : undefined;
  return (
    <div class="field-wide key-fields">
      <span class="field-heading" aria-hidden="true">
        API key
      </span>
      <Choice
        legend="API key"
        value={draft.keySource}
        options={options}
        onInput={(source) => change({ keySource: source as KeySource })}
      />
      {draft.keySource === "key" && (
        <TextField
          mono
          label="Key"
          name="api-key"
          type="password"
          autoComplete="new-password"
          required
          value={draft.apiKey}
          hint="Stored encrypted, never shown again."
          problem={problems.api_key}
          onInput={(apiKey) => change({ apiKey })}
        />
      )}
      {draft.keySource === "reference" && (
        <TextField
          mono
          label="Reference"
          name="api-key-ref"
          required
          value={draft.apiKeyRef}
          placeholder="env:OPENAI_API_KEY"
          hint="env:NAME, file:/PATH, vault:PATH#FIELD, aws:NAME#FIELD or kubernetes:NAMESPACE/NAME#KEY. Read at each use; the configuration of the service lists what may be read."
          problem={problems.api_key_ref}
          onInput={(apiKeyRef) => change({ apiKeyRef })}
        />
      )}
      {keepProblem && (
        <p class="field-problem" role="alert">
          {keepProblem}
        </p>
      )}
      {draft.keySource === "keep" && !keepProblem && provider?.api_key_ref && (
        <p class="field-hint">
          Read from <code>{provider.api_key_ref}</code> at each use.
        </p>
      )}
    </div>
  );
}
