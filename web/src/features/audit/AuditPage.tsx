import { useState } from "preact/hooks";
import { exportAudit, listAudit } from "../../api/admin";
import type { AuditEntry } from "../../api/types";
import { query, setQuery } from "../../app/router";
import { Button } from "../../ui/Button";
import { MoreRows } from "../../ui/MoreRows";
import { PageHead } from "../../ui/Panel";
import { Failure, Loading, Message, Notice } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { exact, stamp } from "../../ui/times";
import { useAction } from "../../ui/useAction";
import { usePages } from "../../ui/usePages";
import { EntryDialog } from "./EntryDialog";
import { FilterBar } from "./FilterBar";
import { isFiltered, readEntry, readFilters } from "./filters";
import { VerifyDialog } from "./VerifyDialog";
import "./audit.css";

const PAGE_SIZE = 100;

export function AuditPage() {
  const filters = readFilters(query.value);
  const open = readEntry(query.value);
  const entries = usePages<AuditEntry>(JSON.stringify(filters), (cursor, signal) =>
    listAudit({ ...filters, cursor, limit: PAGE_SIZE }, signal),
  );
  const [isVerifying, setVerifying] = useState(false);
  const { busy, error, run } = useAction();
  const items = entries.items.value;
  const at = items?.findIndex((entry) => entry.sequence === open) ?? -1;
  const save = (format: "csv" | "jsonl") => void run(() => exportAudit(filters, format));
  return (
    <>
      <PageHead
        title="Audit"
        actions={
          <>
            <Button busy={entries.loading.value} onClick={entries.reload}>
              Refresh
            </Button>
            <Button busy={busy.value} title="What the filters show, oldest first" onClick={() => save("csv")}>
              Export CSV
            </Button>
            <Button busy={busy.value} title="What the filters show, oldest first" onClick={() => save("jsonl")}>
              Export JSONL
            </Button>
            <Button kind="primary" icon="check" onClick={() => setVerifying(true)}>
              Verify
            </Button>
          </>
        }
      />
      <FilterBar filters={filters} />
      {error.value && <Notice error={error.value} what="Not exported." />}
      {!items && entries.error.value && (
        <Failure error={entries.error.value} what="the audit trail" retry={entries.reload} />
      )}
      {!items && !entries.error.value && <Loading what="the audit trail" />}
      {items && entries.error.value && <Notice error={entries.error.value} what="The list is not up to date." />}
      {items?.length === 0 && (
        <Message icon="search" title="No entry matches">
          <p>
            {isFiltered(filters)
              ? "Names, actions and ids have to be whole; an action that ends with .* means a family."
              : "Every sign-in and every change of state makes one."}
          </p>
        </Message>
      )}
      {items && items.length > 0 && <Entries entries={items} open={open} />}
      <MoreRows pages={entries} />
      {open !== null && items && (
        <EntryDialog
          sequence={open}
          known={items[at]}
          newer={items[at - 1]?.sequence ?? null}
          older={at >= 0 ? (items[at + 1]?.sequence ?? null) : null}
          onOpen={(sequence) => setQuery({ entry: String(sequence) })}
          onClose={() => setQuery({ entry: null })}
        />
      )}
      {isVerifying && <VerifyDialog onClose={() => setVerifying(false)} />}
    </>
  );
}

function Entries({ entries, open }: { entries: readonly AuditEntry[]; open: number | null }) {
  return (
    <TableFrame label="Entries of the audit trail">
      <table class="table cards audit-table">
        <thead>
          <tr>
            <th scope="col">When</th>
            <th scope="col">Who</th>
            <th scope="col">Action</th>
            <th scope="col">To</th>
            <th scope="col">From</th>
            <th scope="col" class="right">
              Entry
            </th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.sequence} aria-current={entry.sequence === open ? "true" : undefined}>
              <td class="whole number">
                <time dateTime={entry.at} title={exact(entry.at)}>
                  {stamp(entry.at)}
                </time>
              </td>
              <td data-label="Who">{entry.actor_name}</td>
              <th scope="row" data-label="Action">
                {entry.action}
              </th>
              <td class="audit-thing" data-label="To" title={entry.resource_id}>
                {entry.resource_type} <span class="muted">{thing(entry)}</span>
              </td>
              <td data-label="From" class="number">
                {entry.address || <span class="muted">—</span>}
              </td>
              <td class="right" data-label="Entry">
                <a
                  href={address(entry.sequence)}
                  aria-label={`Details of entry ${entry.sequence}`}
                  onClick={(event) => {
                    // Opens in place, so that going back leaves the page and not each entry that was looked at.
                    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                    event.preventDefault();
                    setQuery({ entry: String(entry.sequence) });
                  }}
                >
                  <span class="number">{entry.sequence}</span>
                </a>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function address(sequence: number): string {
  const next = new URLSearchParams(query.value);
  next.set("entry", String(sequence));
  return `/audit?${next}`;
}

/** What the thing is called, where the entry says it; else the end of its id, which tells neighbours apart. */
function thing(entry: AuditEntry): string {
  for (const source of [entry.changes, entry.changes.after, entry.changes.before]) {
    const facts = typeof source === "object" && source !== null ? (source as Record<string, unknown>) : {};
    const name = facts.username ?? facts.name;
    if (typeof name === "string" && name) return name;
  }
  return entry.resource_id.length > 12 ? `…${entry.resource_id.slice(-8)}` : entry.resource_id;
}
