import { useEffect, useState } from "preact/hooks";
import type { AuditQuery } from "../../api/admin";
import { setQuery } from "../../app/router";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { fromField, toField, zone, zoneName } from "../../ui/times";
import { ACTIONS, FILTERS, type Filter, hoursBefore, isFiltered, RESOURCE_TYPES } from "./filters";

// Long enough not to ask for every letter, short enough to feel like typing.
const APPLY_AFTER_MS = 350;

const FIELDS: readonly { name: Filter; label: string; placeholder: string; list?: readonly string[]; max: number }[] = [
  { name: "actor", label: "Who", placeholder: "name or id", max: 64 },
  { name: "action", label: "Action", placeholder: "auth.*", list: ACTIONS, max: 64 },
  { name: "resource_type", label: "Kind of thing", placeholder: "user", list: RESOURCE_TYPES, max: 32 },
  { name: "resource_id", label: "Its id", placeholder: "", max: 128 },
];

const SPANS = [
  { hours: 1, label: "1 h" },
  { hours: 24, label: "24 h" },
  { hours: 24 * 7, label: "7 days" },
];

export function FilterBar({ filters }: { filters: AuditQuery }) {
  return (
    <search class="audit-filters">
      {FIELDS.map((field) => (
        <TypedFilter key={field.name} {...field} stored={filters[field.name] ?? ""} />
      ))}
      <InstantFilter name="since" label="Not before" stored={filters.since ?? ""} />
      <InstantFilter name="until" label="Before" stored={filters.until ?? ""} />
      <div class="audit-spans">
        {SPANS.map(({ hours, label }) => (
          <Button
            key={hours}
            kind="quiet"
            title={`Only the last ${label}`}
            onClick={() => setQuery({ since: hoursBefore(Date.now(), hours), until: null })}
          >
            {label}
          </Button>
        ))}
        {isFiltered(filters) && (
          <Button onClick={() => setQuery(Object.fromEntries(FILTERS.map((name) => [name, null])))}>Clear</Button>
        )}
      </div>
    </search>
  );
}

interface TypedProps {
  name: Filter;
  label: string;
  placeholder: string;
  list?: readonly string[];
  max: number;
  stored: string;
}

function TypedFilter({ name, label, placeholder, list, max, stored }: TypedProps) {
  const [text, setText] = useState(stored);
  useEffect(() => setText(stored), [stored]);
  useEffect(() => {
    const timer = setTimeout(() => setQuery({ [name]: text.trim().slice(0, max) || null }), APPLY_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <TextField
      label={label}
      name={`audit-${name}`}
      type="search"
      value={text}
      placeholder={placeholder}
      list={list}
      onInput={setText}
    />
  );
}

function InstantFilter({ name, label, stored }: { name: "since" | "until"; label: string; stored: string }) {
  const id = `audit-${name}`;
  // Read here so that the fields follow when the zone of all times changes.
  const hint = zone.value === "utc" ? "UTC" : zoneName();
  return (
    <div class="field">
      <label for={id}>
        {label} <span class="field-unit">{hint}</span>
      </label>
      <input
        id={id}
        type="datetime-local"
        value={stored ? toField(stored) : ""}
        onChange={(event) => setQuery({ [name]: fromField(event.currentTarget.value) || null })}
      />
    </div>
  );
}
