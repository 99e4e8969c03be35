import { useEffect, useRef, useState } from "preact/hooks";
import type { BenchmarkListItem } from "../../api/types";
import { chipsOf, type Filters, LIMITS, without } from "../../app/benchmark-query";
import { navigate, place, query, setQuery } from "../../app/router";
import { Button } from "../../ui/Button";
import { Icon } from "../../ui/icons";
import { Popover } from "../../ui/Popover";
import { ColumnMenu } from "./ColumnMenu";
import type { ColumnId } from "./columns";
import { FilterPanel } from "./FilterPanel";
import { ViewMenu } from "./ViewMenu";

// Long enough not to ask for every letter, short enough to feel like typing.
const SEARCH_AFTER_MS = 250;

export function goTo(text: string): void {
  navigate(place.value.path + (text ? `?${text}` : ""));
}

interface ToolbarProps {
  filters: Filters;
  rows: readonly BenchmarkListItem[];
  /** Those that are shown. */
  columns: readonly ColumnId[];
}

/** Search, filters, views and columns above the list. */
export function Toolbar({ filters, rows, columns }: ToolbarProps) {
  const chips = chipsOf(filters);
  return (
    <>
      <search class="filters">
        <SearchField q={filters.q} />
        <Popover label="Filter" icon="filter" badge={chips.length > 0 && <span class="number"> {chips.length}</span>}>
          {(close) => <FilterPanel filters={filters} rows={rows} onClose={close} />}
        </Popover>
        <div class="filters-end">
          <ViewMenu />
          <ColumnMenu columns={columns} />
        </div>
      </search>
      {chips.length > 0 && (
        <div class="chips">
          {chips.map((chip) => (
            <button
              key={`${chip.name} ${chip.value}`}
              type="button"
              class="chip"
              aria-label={`Remove the filter: ${chip.text}`}
              onClick={() => goTo(without(query.value, chip))}
            >
              {chip.text}
              <Icon name="cross" />
            </button>
          ))}
          <Button kind="quiet" onClick={() => goTo(without(query.value, null))}>
            Clear
          </Button>
        </div>
      )}
    </>
  );
}

function SearchField({ q }: { q: string }) {
  const [text, setText] = useState(q);
  const typed = useRef(q);
  useEffect(() => {
    // The address changed by itself (back, a view, clear), and not by what is being typed here.
    if (q !== typed.current.trim()) setText(q);
    typed.current = q;
  }, [q]);
  useEffect(() => {
    if (text.trim() === q) return;
    const timer = setTimeout(() => {
      typed.current = text;
      setQuery({ q: text.trim() || null });
    }, SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      type="search"
      aria-label="Search benchmarks"
      placeholder="Name, tag, provider, model  ( / )"
      maxLength={LIMITS.q}
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape" && text === "") event.currentTarget.blur();
      }}
    />
  );
}
