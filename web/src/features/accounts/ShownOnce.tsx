import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Dialog } from "../../ui/Dialog";
import { Remark } from "../../ui/states";

/** A password that the service has made for someone else. */
export function ShownOnce({
  username,
  password,
  onClose,
}: {
  username: string;
  password: string;
  onClose: () => void;
}) {
  return (
    <Dialog title={`The password of ${username}`} onClose={onClose}>
      <div class="account-form">
        <Remark tone="warn">
          <strong>Shown this once.</strong> Give it to {username} by a way that you trust. They can change it under “My
          account”.
        </Remark>
        <div class="secret">
          <code class="secret-text">{password}</code>
          <CopyButton text={password} what="the password" />
        </div>
        <div class="dialog-actions">
          <Button kind="primary" onClick={onClose}>
            Done
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
