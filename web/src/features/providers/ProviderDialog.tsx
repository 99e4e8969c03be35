import { useState } from "preact/hooks";
import { createProvider, updateProvider } from "../../api/endpoints";
import { ApiError } from "../../api/errors";
import type { Provider, ProviderKind } from "../../api/types";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { AreaField, CheckField, SelectField, TextField } from "../../ui/Field";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { DefinitionField } from "./DefinitionField";
import {
  CUSTOM,
  changesOf,
  draftOf,
  EMPTY_PROVIDER,
  fieldProblems,
  inputOf,
  needsKeyAgain,
  type ProviderDraft,
} from "./input";
import { KeyFields } from "./KeyFields";
import { KindFacts } from "./KindFacts";

interface ProviderDialogProps {
  /** The one to edit, or null to add one. */
  provider: Provider | null;
  kinds: readonly ProviderKind[];
  onSaved: () => void;
  onClose: () => void;
}

export function ProviderDialog({ provider, kinds, onSaved, onClose }: ProviderDialogProps) {
  const [draft, setDraft] = useState<ProviderDraft>(() => (provider ? draftOf(provider) : EMPTY_PROVIDER));
  const { busy, error, run } = useAction();
  const change = (part: Partial<ProviderDraft>) => setDraft((before) => ({ ...before, ...part }));
  const { at, elsewhere } = fieldProblems(error.value?.problems ?? []);
  const kind = kinds.find((one) => one.kind === draft.kind);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (needsKeyAgain(draft, provider)) return; // the field says so already
    const work = provider
      ? () => updateProvider(provider.name, changesOf(draft, provider))
      : () => createProvider(inputOf(draft));
    if (await run(work)) onSaved();
  };

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
          problem={at.name}
          onInput={(name) => change({ name })}
        />
        <SelectField
          label="Kind"
          name="kind"
          value={draft.kind}
          hint="what speaks there"
          problem={at.kind}
          options={[
            ...(kind ? [] : [{ value: draft.kind, label: draft.kind }]),
            ...kinds.map((one) => ({ value: one.kind, label: `${one.title} (${one.kind})` })),
          ]}
          onInput={(chosen) => change({ kind: chosen })}
        />
        {kind && kind.kind !== CUSTOM && <KindFacts kind={kind} />}
        {draft.kind === CUSTOM && (
          <DefinitionField
            value={draft.definition}
            problem={at.definition}
            onInput={(definition) => change({ definition })}
          />
        )}
        <TextField
          wide
          mono
          label="Address"
          name="base-url"
          type="url"
          value={draft.baseUrl}
          required={provider !== null || (kind?.default_base_url === null && draft.kind !== CUSTOM)}
          hint={
            draft.kind === CUSTOM
              ? "Empty for the base_url of the definition."
              : kind?.default_base_url
                ? "Empty for the vendor's own."
                : "Public, or in a network that the configuration of the service allows (by default this machine)."
          }
          placeholder={kind?.default_base_url ?? "http://127.0.0.1:9000/v1"}
          problem={at.base_url}
          onInput={(baseUrl) => change({ baseUrl })}
        />
        <KeyFields draft={draft} provider={provider} problems={at} change={change} />
        <TextField
          wide
          label="Default model"
          name="default-model"
          value={draft.defaultModel}
          problem={at.default_model}
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
          problem={at.options}
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
            <Notice error={noticeOf(error.value, Object.keys(at).length, elsewhere)} what="Not saved." />
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

/** What stands at a field is not said twice. */
function noticeOf(error: ApiError, fields: number, elsewhere: readonly string[]): ApiError {
  if (fields === 0) return error;
  const message = [
    fields === 1 ? "one field is wrong, see above" : `${fields} fields are wrong, see above`,
    ...elsewhere,
  ];
  return new ApiError({ ...error, status: error.status, message: message.join("; ") });
}
