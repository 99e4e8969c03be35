import { useState } from "preact/hooks";
import { createProvider, updateProvider } from "../../api/endpoints";
import type { Provider } from "../../api/types";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { AreaField, CheckField, TextField } from "../../ui/Field";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { changesOf, draftOf, EMPTY_PROVIDER, inputOf, needsKeyAgain, type ProviderDraft } from "./input";

// Offered, not enforced: any kind may be typed, and the service says which it knows.
const KINDS = ["openai-compatible", "openai", "vllm", "sglang", "llamacpp"];

interface ProviderDialogProps {
  /** The one to edit, or null to add one. */
  provider: Provider | null;
  onSaved: () => void;
  onClose: () => void;
}

export function ProviderDialog({ provider, onSaved, onClose }: ProviderDialogProps) {
  const [draft, setDraft] = useState<ProviderDraft>(() => (provider ? draftOf(provider) : EMPTY_PROVIDER));
  const { busy, error, run } = useAction();
  const change = (part: Partial<ProviderDraft>) => setDraft((before) => ({ ...before, ...part }));
  const isKeyNeeded = needsKeyAgain(draft, provider);
  const problems = error.value?.problems ?? [];
  const problem = (field: string) =>
    problems.find(({ path }) => path === field || path === `body.${field}` || path.startsWith(`${field}.`))?.message;

  const submit = async (event: Event) => {
    event.preventDefault();
    const work = provider
      ? () => updateProvider(provider.name, changesOf(draft, provider))
      : () => createProvider(inputOf(draft));
    if (await run(work)) onSaved();
  };

  const keyHint = !provider
    ? "Stored encrypted, never shown again. Leave empty when the endpoint needs none."
    : isKeyNeeded
      ? "The address has changed: give the key again, so that it never goes where it was not meant for."
      : provider.has_api_key
        ? provider.api_key_ref
          ? `Leave empty to keep reading it from ${provider.api_key_ref}; a key that is typed replaces that.`
          : "Leave empty to keep the stored key."
        : "None is stored.";

  return (
    <Dialog title={provider ? `Edit ${provider.name}` : "Add a provider"} onClose={onClose}>
      <form class="provider-form" onSubmit={(event) => void submit(event)}>
        <TextField
          label="Name"
          name="name"
          value={draft.name}
          disabled={provider !== null}
          required
          autoFocus={!provider}
          hint={provider ? undefined : "small letters, digits, dots and dashes"}
          problem={problem("name")}
          onInput={(name) => change({ name })}
        />
        <TextField
          label="Kind"
          name="kind"
          value={draft.kind}
          list={KINDS}
          required
          hint="what speaks there"
          problem={problem("kind")}
          onInput={(kind) => change({ kind })}
        />
        <TextField
          wide
          mono
          label="Address"
          name="base-url"
          type="url"
          value={draft.baseUrl}
          hint="empty for the vendor's own, where the kind has one"
          placeholder="http://127.0.0.1:9000/v1"
          problem={problem("base_url")}
          onInput={(baseUrl) => change({ baseUrl })}
        />
        <TextField
          wide
          mono
          label="API key"
          name="api-key"
          type="password"
          autoComplete="new-password"
          value={draft.apiKey}
          required={isKeyNeeded}
          hint={keyHint}
          problem={problem("api_key")}
          onInput={(apiKey) => change({ apiKey })}
        />
        <TextField
          wide
          label="Default model"
          name="default-model"
          value={draft.defaultModel}
          problem={problem("default_model")}
          onInput={(defaultModel) => change({ defaultModel })}
        />
        <AreaField
          wide
          mono
          rows={2}
          label="Further headers"
          name="headers"
          placeholder="X-Team: search"
          hint="one a line"
          value={draft.headers}
          problem={problem("options")}
          onInput={(headers) => change({ headers })}
        />
        <div class="field-wide checks">
          <CheckField
            label="Check the TLS certificate"
            checked={draft.verifyTls}
            onInput={(verifyTls) => change({ verifyTls })}
          />
          <CheckField
            label="Enabled"
            hint="Benchmarks cannot use a disabled provider."
            checked={draft.isEnabled}
            onInput={(isEnabled) => change({ isEnabled })}
          />
        </div>
        {error.value && (
          <div class="field-wide">
            <Notice error={error.value} what="Not saved." />
          </div>
        )}
        <div class="dialog-actions field-wide">
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" kind="primary" busy={busy.value}>
            {busy.value ? "Saving…" : provider ? "Save" : "Add provider"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
