import { listModels } from "../../api/endpoints";
import type { Provider, Target } from "../../api/types";
import { Button } from "../../ui/Button";
import { SelectField, TextField } from "../../ui/Field";
import { useLoad } from "../../ui/useLoad";
import type { FormProps } from "./form-props";

const MOST_TARGETS = 16;

export function TargetFields({ draft, change, problems, providers }: FormProps & { providers: readonly Provider[] }) {
  const replace = (index: number, target: Target) =>
    change({ targets: draft.targets.map((old, position) => (position === index ? target : old)) });
  return (
    <>
      {draft.targets.map((target, index) => (
        <TargetRow
          key={index}
          target={target}
          index={index}
          providers={providers}
          problems={problems}
          onChange={(next) => replace(index, next)}
          onRemove={
            draft.targets.length > 1
              ? () => change({ targets: draft.targets.filter((_, position) => position !== index) })
              : undefined
          }
        />
      ))}
      {draft.targets.length < MOST_TARGETS && (
        <div>
          <Button icon="plus" onClick={() => change({ targets: [...draft.targets, { provider: "", model: "" }] })}>
            Add a target
          </Button>
          {draft.targets.length > 1 && <span class="muted"> measured one after another</span>}
        </div>
      )}
    </>
  );
}

interface RowProps {
  target: Target;
  index: number;
  providers: readonly Provider[];
  problems: FormProps["problems"];
  onChange: (target: Target) => void;
  onRemove?: () => void;
}

function TargetRow({ target, index, providers, problems, onChange, onRemove }: RowProps) {
  const models = useLoad(target.provider, async (signal) =>
    target.provider
      ? (await listModels(target.provider, signal)).models.filter((model) => model.is_live).map((model) => model.id)
      : [],
  );
  const names = models.data.value ?? [];
  const hint = models.error.value
    ? `The list could not be fetched (${models.error.value.message}); type the model's name.`
    : models.loading.value && target.provider
      ? "Fetching the list…"
      : names.length > 0
        ? `${names.length} ${names.length === 1 ? "model" : "models"} offered; any name may be typed`
        : undefined;
  const choose = (name: string) => {
    const before = providers.find((provider) => provider.name === target.provider)?.default_model ?? "";
    const next = providers.find((provider) => provider.name === name)?.default_model ?? "";
    onChange({ provider: name, model: target.model === "" || target.model === before ? next : target.model });
  };
  return (
    <div class="target-row">
      <SelectField
        label="Provider"
        name={`provider-${index}`}
        value={target.provider}
        path={`targets.${index}.provider`}
        problem={problems[`targets.${index}.provider`]}
        onInput={choose}
        options={[
          { value: "", label: "Choose…" },
          ...providers.map((provider) => ({
            value: provider.name,
            label: provider.is_enabled ? provider.name : `${provider.name} (disabled)`,
          })),
        ]}
      />
      <TextField
        label="Model"
        name={`model-${index}`}
        value={target.model}
        path={`targets.${index}.model`}
        problem={problems[`targets.${index}.model`]}
        hint={hint}
        list={names}
        onInput={(model) => onChange({ ...target, model })}
      />
      {onRemove && (
        <Button kind="quiet" icon="cross" title="Remove this target" onClick={onRemove}>
          <span class="visually-hidden">Remove target {index + 1}</span>
        </Button>
      )}
    </div>
  );
}
