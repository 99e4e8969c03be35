import { useEffect, useRef, useState } from "preact/hooks";
import { getSettings, updateSettings } from "../../api/admin";
import type { ConfiguredSetting, RuntimeSettings } from "../../api/types";
import { live } from "../../live";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Conflict, changesBetween } from "../../ui/Conflict";
import { NumberField, SelectField } from "../../ui/Field";
import { Moment } from "../../ui/Moment";
import { Panel } from "../../ui/Panel";
import { formProblems } from "../../ui/problems";
import { Failure, Loading, Notice, Remark } from "../../ui/states";
import { type Stored, useStored } from "../../ui/useStored";
import { showValue } from "./configuration";
import {
  changesOf,
  configuredValue,
  draftOf,
  RUNTIME,
  RUNTIME_LABELS,
  type RuntimeDraft,
  type RuntimeName,
  VISIBILITIES,
} from "./runtime";

export function RuntimeForm({ configuration }: { configuration: readonly ConfiguredSetting[] | null }) {
  const stored = useStored<RuntimeSettings>("settings", getSettings);
  const settings = stored.load.data.value?.value;
  if (settings) return <Form settings={settings} stored={stored} configuration={configuration} />;
  const error = stored.load.error.value;
  return (
    <Panel title="While the service runs">
      {error ? <Failure error={error} what="the settings" retry={stored.load.reload} /> : <Loading what="settings" />}
    </Panel>
  );
}

interface FormProps {
  settings: RuntimeSettings;
  stored: Stored<RuntimeSettings>;
  configuration: readonly ConfiguredSetting[] | null;
}

function Form({ settings, stored, configuration }: FormProps) {
  const [draft, setDraft] = useState<RuntimeDraft>(draftOf(settings));
  const [isSaved, setSaved] = useState(false);
  const { at, notice } = formProblems(
    stored.error.value,
    RUNTIME.map(({ name }) => name),
  );
  const changes = changesOf(draft, settings);
  const isTyped = changes !== null;
  const newer = stored.newer.value;
  const before = useRef(settings);
  useEffect(() => {
    if (changesOf(draft, before.current) === null) setDraft(draftOf(settings));
    before.current = settings;
  }, [settings]);
  // What was typed is never lost to a change of somebody else: saving it will find that out.
  useEffect(() => {
    if (isTyped) return;
    return live.subscribe({
      topics: ["settings.changed"],
      onEvent: () => stored.load.reload(),
      onResume: () => stored.load.reload(),
    });
  }, [isTyped]);

  const change = (name: RuntimeName, value: string | null) => {
    setSaved(false);
    setDraft({ ...draft, [name]: value });
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setSaved(false);
    if (!changes) return;
    const worked = await stored.change(async (etag) => {
      const answer = await updateSettings(changes, etag);
      setDraft(draftOf(answer.value));
      return answer;
    });
    setSaved(worked);
  };
  return (
    <Panel
      title="While the service runs"
      aside={
        settings.updated_at && (
          <>
            changed <Moment at={settings.updated_at} /> by {settings.updated_by}
          </>
        )
      }
    >
      <form class="runtime" onSubmit={(event) => void submit(event)}>
        <p class="muted">
          These hold at once, on every server, and go over the configuration until they are taken back.
        </p>
        {RUNTIME.map((field) => {
          const configured = configuredValue(configuration, field.name);
          const isChanged = settings.changed.includes(field.name) && draft[field.name] !== null;
          const common = {
            label: field.label,
            unit: field.unit,
            name: field.name,
            problem: at[field.name],
            value: draft[field.name] ?? (configured ? String(configured.value) : ""),
            onInput: (value: string) => change(field.name, value),
          };
          return (
            <div key={field.name} class="runtime-field">
              {field.name === "default_visibility" ? (
                <SelectField {...common} hint={field.hint} options={VISIBILITIES} />
              ) : (
                <NumberField {...common} hint={field.hint} whole />
              )}
              <p class="runtime-source">
                {isChanged ? (
                  <>
                    <Badge tone="active" icon="info" word="changed here" />
                    <Button
                      kind="quiet"
                      title={`Back to what the configuration says of ${field.label}`}
                      onClick={() => change(field.name, null)}
                    >
                      {configured ? `Back to ${showValue(configured.value)}` : "As configured"}
                    </Button>
                  </>
                ) : (
                  <span class="muted">as configured</span>
                )}
              </p>
            </div>
          );
        })}
        {newer && (
          <Conflict
            what={newer.value.updated_by ? `the settings (it was ${newer.value.updated_by})` : "the settings"}
            changes={changesBetween<RuntimeSettings>(settings, newer.value, RUNTIME_LABELS)}
            onTake={() => {
              setDraft(draftOf(newer.value));
              stored.accept();
            }}
            onKeep={stored.accept}
          />
        )}
        {notice && <Notice error={notice} what="Not saved." />}
        {stored.load.error.value && <Notice error={stored.load.error.value} what="May not be up to date." />}
        {isSaved && !isTyped && <Remark tone="ok">Saved, and in force on every server.</Remark>}
        <div class="runtime-actions">
          <Button type="submit" kind="primary" busy={stored.busy.value} disabled={!isTyped}>
            {stored.busy.value ? "Saving…" : "Save"}
          </Button>
          {isTyped && (
            <Button kind="quiet" onClick={() => setDraft(draftOf(settings))}>
              Undo
            </Button>
          )}
        </div>
      </form>
    </Panel>
  );
}
