/** What the sides of a request are made of. */

import { CopyButton } from "../../ui/CopyButton";
import { count, MISSING } from "../../ui/numbers";
import "./request.css";

export function FactTable({ rows }: { rows: Record<string, string | number | null> }) {
  return (
    <dl class="facts request-table">
      {Object.entries(rows).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="number">{value === null ? MISSING : typeof value === "number" ? count(value) : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A text with a button that copies it; what is shown may be laid out otherwise. */
export function Copied({ text, what, children }: { text: string; what: string; children?: preact.ComponentChildren }) {
  return (
    <div class="copied">
      <CopyButton text={text} what={what} />
      <pre>{children ?? text}</pre>
    </div>
  );
}

export function Nothing({ children }: { children: preact.ComponentChildren }) {
  return <p class="muted request-note">{children}</p>;
}
