import { Button } from "./Button";
import { Icon } from "./icons";

/** One thing that somebody else changed, in words. */
export interface Change {
  what: string;
  before: string;
  now: string;
}

interface ConflictProps {
  what: string;
  changes: readonly Change[];
  /** Show what is stored now, and forget what was typed. */
  onTake: () => void;
  /** Keep what was typed; saving again overwrites. */
  onKeep: () => void;
}

/** Someone changed the same thing meanwhile, so nothing was saved: who wins is for the reader to say. */
export function Conflict({ what, changes, onTake, onKeep }: ConflictProps) {
  return (
    <div class="notice" role="alert">
      <Icon name="alert" />
      <div>
        <strong>Not saved: someone changed {what} meanwhile.</strong>
        {changes.length > 0 ? (
          <ul class="conflict-changes">
            {changes.map((change) => (
              <li key={change.what}>
                {change.what}: was {change.before}, is now {change.now}
              </li>
            ))}
          </ul>
        ) : (
          <p>What is shown here is the same as before; you can save again.</p>
        )}
        <div class="conflict-actions">
          <Button onClick={onTake}>Reload</Button>
          <Button kind="quiet" title="Then save again, over theirs" onClick={onKeep}>
            Keep what I typed
          </Button>
        </div>
      </div>
    </div>
  );
}

/** What differs between what was read before and what is stored now, of the named fields. */
export function changesBetween<Thing extends object>(
  before: Thing,
  now: Thing,
  names: Partial<Record<keyof Thing, string>>,
): Change[] {
  return (Object.keys(names) as (keyof Thing)[])
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]))
    .map((name) => ({ what: names[name] ?? String(name), before: say(before[name]), now: say(now[name]) }));
}

function say(value: unknown): string {
  if (value === null || value === undefined || value === "") return "nothing";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return typeof value === "string" || typeof value === "number" ? String(value) : JSON.stringify(value);
}
