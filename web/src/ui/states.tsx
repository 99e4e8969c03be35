/** What a page shows when it has nothing to show: waiting, empty, broken, not allowed. */

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "../api/errors";
import { Button } from "./Button";
import { Icon, type IconName } from "./icons";
import { age } from "./numbers";
import "./states.css";

/** Nothing for 300 ms, then that it works, after 3 s for how long. The place is reserved from the start. */
export function Loading({ what }: { what: string }) {
  const [waitedMs, setWaited] = useState(0);
  useEffect(() => {
    const started = Date.now();
    const timer = setInterval(() => setWaited(Date.now() - started), 300);
    return () => clearInterval(timer);
  }, []);
  return (
    <div class="state" role="status">
      {waitedMs >= 300 && (
        <p class="muted">
          <span class="spinner" aria-hidden="true" />
          Loading {what}
          {waitedMs >= 3000 && ` for ${age(waitedMs)}`}…
        </p>
      )}
    </div>
  );
}

interface MessageProps {
  icon: IconName;
  title: string;
  children?: ComponentChildren;
  action?: ComponentChildren;
}

export function Message({ icon, title, children, action }: MessageProps) {
  return (
    <div class="state">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children && <div class="state-text muted">{children}</div>}
      {action && <div class="state-action">{action}</div>}
    </div>
  );
}

/** A whole page or panel that could not be loaded. */
export function Failure({ error, what, retry }: { error: ApiError; what: string; retry?: () => void }) {
  if (error.status === 403) {
    return (
      <Message icon="alert" title={`You may not see ${what}`}>
        <p>
          {error.permission ? (
            <>
              This needs the permission <code>{error.permission}</code>.{" "}
            </>
          ) : (
            `${sentence(error.message)} `
          )}
          An administrator can give it to you.
        </p>
        <RequestId error={error} />
      </Message>
    );
  }
  // What cannot be an id is the id of nothing.
  const isNoId = error.status === 422 && error.problems.some(({ path }) => path.endsWith("_id"));
  const isMissing = error.status === 404 || isNoId;
  return (
    <div role="alert">
      <Message
        icon="alert"
        title={isMissing ? `There is no such ${what.replace(/^the /, "")}` : `Could not load ${what}`}
        action={retry && !isMissing && <Button onClick={retry}>Try again</Button>}
      >
        <p>
          {isMissing
            ? isNoId
              ? "The address may be mistyped."
              : "It was deleted, or it belongs to someone else."
            : sentence(error.message)}
        </p>
        <RequestId error={error} />
      </Message>
    </div>
  );
}

/** Something that was asked for and did not work, beside what is still shown. */
export function Notice({ error, what }: { error: ApiError; what: string }) {
  return (
    <div class="notice" role="alert">
      <Icon name="alert" />
      <div>
        <strong>{what}</strong> {sentence(error.message)}
        <RequestId error={error} />
      </div>
    </div>
  );
}

/** Something to know, beside what is shown: that it worked, or what to mind. */
export function Remark({ tone, children }: { tone: "ok" | "warn" | "quiet"; children: ComponentChildren }) {
  return (
    <div class={`notice notice-${tone}`} role={tone === "ok" ? "status" : undefined}>
      <Icon name={tone === "ok" ? "check" : tone === "warn" ? "alert" : "info"} />
      <div>{children}</div>
    </div>
  );
}

function RequestId({ error }: { error: ApiError }) {
  if (!error.requestId) return null;
  return (
    <p class="request-id">
      Request <code>{error.requestId}</code>
    </p>
  );
}

/** Messages of the service start small and end without a full stop; on a page they are sentences. */
export function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}
