import { useState } from "preact/hooks";
import type { BenchmarkListItem } from "../../api/types";
import { type Filters, LIMITS, LOADS, STATUSES, VERDICTS, withFilters } from "../../app/benchmark-query";
import { navigate, place, query } from "../../app/router";
import { session } from "../../app/session";
import { Button } from "../../ui/Button";
import { SelectField, TextField } from "../../ui/Field";

interface PanelProps {
  filters: Filters;
  rows: readonly BenchmarkListItem[];
  onClose: () => void;
}

/** A share of 1 as the percent that people type, and back; what is no number is said so. */
function asPercent(share: string): string {
  return share === "" ? "" : String(Number((Number(share) * 100).toPrecision(12)));
}

function asShare(text: string): string | null {
  if (!text.trim()) return "";
  const value = Number(text.replace(",", ".").replace("%", ""));
  return value >= 0 && value <= 100 ? String(value / 100) : null;
}

function different(values: Iterable<string>): string[] {
  return [...new Set(values)].sort().slice(0, 50);
}

/** All that the list can be narrowed to, at once; the address changes when it is applied. */
export function FilterPanel({ filters, rows, onClose }: PanelProps) {
  const [draft, setDraft] = useState({
    ...filters,
    tags: filters.tag.join(", "),
    min: asPercent(filters.minErrors),
    max: asPercent(filters.maxErrors),
  });
  const set = (changes: Partial<typeof draft>) => setDraft((now) => ({ ...now, ...changes }));
  const toggled = (name: "status" | "verdict", value: string) =>
    set({ [name]: draft[name].includes(value) ? draft[name].filter((one) => one !== value) : [...draft[name], value] });
  const min = asShare(draft.min);
  const max = asShare(draft.max);
  const wrongErrors =
    min === null || max === null
      ? "a share from 0 to 100"
      : min !== "" && max !== "" && Number(max) < Number(min)
        ? "the most is below the least"
        : undefined;
  const wrongDays = draft.from && draft.to && draft.to < draft.from ? "ends before it begins" : undefined;
  const me = session.value.state === "in" ? session.value.user.username : "";

  const apply = () => {
    if (wrongErrors || wrongDays) return;
    const text = withFilters(query.value, {
      status: draft.status,
      verdict: draft.verdict,
      load: draft.load,
      owner: draft.owner.trim(),
      provider: draft.provider.trim(),
      model: draft.model.trim(),
      tag: different(draft.tags.split(",").map((tag) => tag.trim())).filter((tag) => tag.length <= LIMITS.tag),
      from: draft.from,
      to: draft.to,
      min_errors: min ?? "",
      max_errors: max ?? "",
    });
    navigate(place.value.path + (text ? `?${text}` : ""));
    onClose();
  };

  return (
    <form
      class="filter-panel"
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <fieldset>
        <legend>Status</legend>
        <div class="filter-choices">
          {STATUSES.map((status) => (
            <label key={status}>
              <input
                type="checkbox"
                checked={draft.status.includes(status)}
                onInput={() => toggled("status", status)}
              />
              {status}
            </label>
          ))}
        </div>
      </fieldset>
      <fieldset>
        <legend>Certificate</legend>
        <div class="filter-choices">
          {VERDICTS.map((verdict) => (
            <label key={verdict}>
              <input
                type="checkbox"
                checked={draft.verdict.includes(verdict)}
                onInput={() => toggled("verdict", verdict)}
              />
              {verdict.replace("_", "-")}
            </label>
          ))}
        </div>
      </fieldset>
      <TextField
        label="Provider"
        value={draft.provider}
        list={different(rows.flatMap((row) => row.targets.map(({ provider }) => provider)))}
        onInput={(provider) => set({ provider })}
      />
      <TextField
        label="Model"
        value={draft.model}
        list={different(rows.flatMap((row) => row.targets.map(({ model }) => model)))}
        onInput={(model) => set({ model })}
      />
      <TextField
        label="Owner"
        value={draft.owner}
        list={different([me, ...rows.flatMap((row) => row.owner?.username ?? [])])}
        onInput={(owner) => set({ owner })}
      />
      <TextField
        label="Tags"
        hint="all of these, with commas between"
        value={draft.tags}
        list={different(rows.flatMap((row) => row.tags))}
        onInput={(tags) => set({ tags })}
      />
      <SelectField
        label="Load"
        value={draft.load[0] ?? ""}
        options={[{ value: "", label: "any" }, ...Object.entries(LOADS).map(([value, label]) => ({ value, label }))]}
        onInput={(load) => set({ load: load ? [load] : [] })}
      />
      <span />
      <label class="field">
        <span>From</span>
        <input type="date" value={draft.from} onInput={(event) => set({ from: event.currentTarget.value })} />
      </label>
      <label class="field">
        <span>Until</span>
        <input
          type="date"
          value={draft.to}
          aria-invalid={Boolean(wrongDays)}
          onInput={(event) => set({ to: event.currentTarget.value })}
        />
        {wrongDays && <span class="field-problem">{wrongDays}</span>}
      </label>
      <TextField label="Errors, at least" unit="%" mono value={draft.min} onInput={(text) => set({ min: text })} />
      <TextField
        label="Errors, at most"
        unit="%"
        mono
        value={draft.max}
        problem={wrongErrors}
        onInput={(text) => set({ max: text })}
      />
      <div class="filter-actions">
        <Button onClick={onClose}>Close</Button>
        <Button type="submit" kind="primary">
          Apply
        </Button>
      </div>
    </form>
  );
}
