import { useState } from "preact/hooks";
import { revokeKey } from "../../api/admin";
import type { ApiKey } from "../../api/types";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Moment } from "../../ui/Moment";
import { PERMISSION_WORDS } from "../../ui/permissions";
import { Notice } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { exact } from "../../ui/times";
import { useAction } from "../../ui/useAction";
import { useNow } from "../../ui/useNow";

/** API keys without their secrets; each can be revoked. */
export function KeyTable({ keys, onRevoked }: { keys: readonly ApiKey[]; onRevoked: () => void }) {
  const now = useNow(60_000);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  return (
    <>
      <TableFrame label="API keys">
        <table class="table cards api-keys">
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Begins with</th>
              <th scope="col">May</th>
              <th scope="col">Made</th>
              <th scope="col">Expires</th>
              <th scope="col">Last used</th>
              <th scope="col">
                <span class="visually-hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {keys.map((key) => (
              <tr key={key.id}>
                <th scope="row" class="whole">
                  <span class="long">{key.name}</span>
                </th>
                <td data-label="Begins with" class="number">
                  {key.prefix}…
                </td>
                <td data-label="May" title={key.scopes.map((scope) => PERMISSION_WORDS[scope] ?? scope).join("\n")}>
                  {key.scopes.length === 1 ? key.scopes[0] : `${key.scopes.length} permissions`}
                </td>
                <td data-label="Made">
                  <Moment at={key.created_at} />
                </td>
                <td data-label="Expires">
                  <Expiry at={key.expires_at} now={now} />
                </td>
                <td data-label="Last used">
                  <Moment at={key.last_used_at} />
                  {key.last_used_address && <span class="muted"> from {key.last_used_address}</span>}
                </td>
                <td class="right whole">
                  <Button kind="quiet" title={`Revoke the API key ${key.name}`} onClick={() => setRevoking(key)}>
                    Revoke
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
      {revoking && (
        <RevokeDialog
          apiKey={revoking}
          onClose={() => setRevoking(null)}
          onRevoked={() => {
            setRevoking(null);
            onRevoked();
          }}
        />
      )}
    </>
  );
}

function Expiry({ at, now }: { at: string | null; now: number }) {
  if (at === null) return <span class="muted">never</span>;
  if (Date.parse(at) <= now) return <Badge tone="bad" icon="cross" word="expired" title={exact(at)} />;
  const days = Math.round((Date.parse(at) - now) / 86_400_000);
  return (
    <time dateTime={at} title={exact(at)}>
      {days < 1 ? "within a day" : days === 1 ? "in a day" : `in ${days} days`}
    </time>
  );
}

interface RevokeProps {
  apiKey: ApiKey;
  onClose: () => void;
  onRevoked: () => void;
}

function RevokeDialog({ apiKey, onClose, onRevoked }: RevokeProps) {
  const { busy, error, run } = useAction();
  return (
    <Confirm
      title={`Revoke “${apiKey.name}”?`}
      action="Revoke it"
      keep="Keep it"
      busy={busy.value}
      onClose={onClose}
      onConfirm={() => void run(() => revokeKey(apiKey.id)).then((worked) => worked && onRevoked())}
    >
      <p>
        The key <code>{apiKey.prefix}…</code> stops working at once, and for good. Programs that use it get the status
        401.
      </p>
      {error.value && <Notice error={error.value} what="Not revoked." />}
    </Confirm>
  );
}
