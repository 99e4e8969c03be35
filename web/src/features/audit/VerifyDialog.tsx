import { useState } from "preact/hooks";
import { verifyAudit } from "../../api/admin";
import type { AuditCheck } from "../../api/types";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Icon } from "../../ui/icons";
import { count } from "../../ui/numbers";
import { Notice, Remark } from "../../ui/states";
import { useAction } from "../../ui/useAction";

/** Checks the whole trail, and says in plain words what came out. */
export function VerifyDialog({ onClose }: { onClose: () => void }) {
  const [anchor, setAnchor] = useState("");
  const [found, setFound] = useState<{ check: AuditCheck; anchored: boolean } | null>(null);
  const { busy, error, run } = useAction();
  const submit = (event: Event) => {
    event.preventDefault();
    setFound(null);
    const given = anchor.trim();
    void run(async () => setFound({ check: await verifyAudit(given), anchored: given !== "" }));
  };
  return (
    <Dialog title="Check the audit trail" onClose={onClose}>
      <form class="verify" onSubmit={submit}>
        <p>
          Reads every entry: whether one was changed, removed, moved or put in, and whether the end was cut off. That
          all of it was put back to an older copy shows only against an anchor that you kept elsewhere.
        </p>
        <TextField
          mono
          label="Anchor of an earlier check"
          name="anchor"
          value={anchor}
          placeholder="NUMBER:HASH"
          hint="May be empty."
          onInput={setAnchor}
        />
        {error.value && <Notice error={error.value} what="Not checked." />}
        {found && <Verdict {...found} />}
        <div class="dialog-actions">
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" kind="primary" busy={busy.value}>
            {busy.value ? "Checking…" : found ? "Check again" : "Check"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function Verdict({ check, anchored }: { check: AuditCheck; anchored: boolean }) {
  const entries = `${count(check.entries)} ${check.entries === 1 ? "entry" : "entries"}`;
  return (
    <>
      {check.intact ? (
        <Remark tone="ok">
          <strong>The trail is whole.</strong> {entries}: none was changed, removed, moved or put in
          {anchored ? ", and it goes on from your anchor." : "."}
        </Remark>
      ) : (
        <div class="notice" role="alert">
          <Icon name="cross" />
          <div>
            <strong>The trail was tampered with.</strong> {entries} read; found:
            <ul class="findings">
              {check.findings.map((finding) => (
                <li key={finding}>{finding}</li>
              ))}
            </ul>
            Keep a copy of the database as it is now, before anything else is written.
          </div>
        </div>
      )}
      {check.warnings.length > 0 && (
        <Remark tone="warn">
          <ul class="findings">
            {check.warnings.map((warning) => (
              <li key={warning}>{warning}</li>
            ))}
          </ul>
        </Remark>
      )}
      {check.head && (
        <div class="verify-head">
          <h3>Anchor</h3>
          <p class="muted">Keep it elsewhere, and give it to the next check.</p>
          <code>{check.head}</code> <CopyButton text={check.head} what="the anchor" />
        </div>
      )}
    </>
  );
}
