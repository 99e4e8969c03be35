import { useEffect } from "preact/hooks";
import { getAuditEntry } from "../../api/admin";
import type { AuditEntry } from "../../api/types";
import { may } from "../../app/session";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Dialog } from "../../ui/Dialog";
import { Failure, Loading } from "../../ui/states";
import { exact } from "../../ui/times";
import { useLoad } from "../../ui/useLoad";
import { readableChanges } from "./changes";
import { resourceAddress } from "./resources";

interface EntryDialogProps {
  sequence: number;
  /** The entry, when the list has it already. */
  known: AuditEntry | undefined;
  /** The neighbours in the list, newer and older; null at its ends. */
  newer: number | null;
  older: number | null;
  onOpen: (sequence: number) => void;
  onClose: () => void;
}

export function EntryDialog({ sequence, known, newer, older, onOpen, onClose }: EntryDialogProps) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const next = event.key === "j" ? older : event.key === "k" ? newer : null;
      if (next !== null) onOpen(next);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [newer, older]);
  return (
    <Dialog title={`Entry ${sequence}`} onClose={onClose} wide>
      {known ? <Entry entry={known} /> : <Fetched key={sequence} sequence={sequence} />}
      <div class="dialog-actions">
        <Button disabled={newer === null} title="Newer (k)" onClick={() => newer !== null && onOpen(newer)}>
          Newer
        </Button>
        <Button disabled={older === null} title="Older (j)" onClick={() => older !== null && onOpen(older)}>
          Older
        </Button>
        <Button kind="primary" onClick={onClose}>
          Close
        </Button>
      </div>
    </Dialog>
  );
}

function Fetched({ sequence }: { sequence: number }) {
  const entry = useLoad(`entry ${sequence}`, (signal) => getAuditEntry(sequence, signal));
  if (entry.data.value) return <Entry entry={entry.data.value} />;
  if (entry.error.value) return <Failure error={entry.error.value} what="the entry" retry={entry.reload} />;
  return <Loading what="the entry" />;
}

function Entry({ entry }: { entry: AuditEntry }) {
  const { rows, facts } = readableChanges(entry.changes);
  const address = resourceAddress(entry, may);
  return (
    <div class="audit-entry">
      <dl class="audit-facts">
        <Fact name="When">
          <time dateTime={entry.at}>{exact(entry.at)}</time>
        </Fact>
        <Fact name="Who">
          <a href={`/audit?actor=${encodeURIComponent(entry.actor_name)}`}>{entry.actor_name}</a>{" "}
          <span class="muted">as {entry.actor_role}</span>
        </Fact>
        <Fact name="What">
          <code>{entry.action}</code>
        </Fact>
        <Fact name="To">
          {entry.resource_type}{" "}
          {address ? (
            <a href={address}>
              <code>{entry.resource_id}</code>
            </a>
          ) : (
            <code>{entry.resource_id}</code>
          )}
        </Fact>
        <Fact name="From">{entry.address ? <code>{entry.address}</code> : <span class="muted">no address</span>}</Fact>
        <Fact name="Request">
          {entry.request_id ? <code>{entry.request_id}</code> : <span class="muted">none</span>}
        </Fact>
      </dl>
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it
        <section class="audit-changes" tabIndex={0} aria-label="Before and after">
          <table class="table">
            <thead>
              <tr>
                <th scope="col">Field</th>
                <th scope="col">Before</th>
                <th scope="col">After</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row.name}>
                  <th scope="row">{row.name}</th>
                  <td class="audit-value">{row.before ?? <span class="muted">—</span>}</td>
                  <td class="audit-value">{row.after ?? <span class="muted">—</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {facts.length > 0 && (
        <dl class="audit-facts">
          {facts.map((fact) => (
            <Fact key={fact.name} name={fact.name}>
              <span class="audit-value">{fact.value}</span>
            </Fact>
          ))}
        </dl>
      )}
      <details>
        <summary>Hashes</summary>
        <dl class="audit-facts">
          <Fact name="This entry">
            <code>{entry.hash}</code>
          </Fact>
          <Fact name="The one before">
            <code>{entry.previous_hash}</code>
          </Fact>
        </dl>
        <CopyButton text={JSON.stringify(entry, null, 2)} what="the entry as JSON" />
      </details>
    </div>
  );
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
