import { useState } from "preact/hooks";
import { deleteUser, resetPassword, updateUser } from "../../api/admin";
import type { UserDetail } from "../../api/types";
import { navigate } from "../../app/router";
import { me } from "../../app/session";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import type { Stored } from "../../ui/useStored";
import { ShownOnce } from "./ShownOnce";

interface UserActionsProps {
  user: UserDetail;
  stored: Stored<UserDetail>;
  /** Sign-ins or keys have ended. */
  onEnded: () => void;
}

/** What can be done to a user besides changing their profile; each asks once. */
export function UserActions({ user, stored, onEnded }: UserActionsProps) {
  const [asking, setAsking] = useState<"disable" | "delete" | "reset" | null>(null);
  const [password, setPassword] = useState("");
  const { busy, error, run } = useAction();
  const isSelf = me()?.username === user.username;

  const ask = (what: typeof asking) => {
    stored.error.value = null;
    error.value = null;
    setAsking(what);
  };
  // After a conflict the page says what has changed, so the question, which was about the old state, is over.
  const settle = (worked: boolean) => {
    if (worked || stored.newer.value) setAsking(null);
    if (worked) onEnded();
  };
  const setActive = async (isActive: boolean) =>
    settle(await stored.change((etag) => updateUser(user.username, { is_active: isActive }, etag)));
  const remove = async () => {
    const worked = await stored.change(async (etag) => {
      await deleteUser(user.username, etag);
      return undefined;
    });
    if (worked) navigate("/users");
    else settle(false);
  };
  const reset = async () => {
    const worked = await run(async () => setPassword((await resetPassword(user.username, null)).password ?? ""));
    if (!worked) return;
    setAsking(null);
    stored.load.reload();
    onEnded();
  };
  const dialog = {
    keep: "Leave it",
    busy: stored.busy.value || busy.value,
    onClose: () => ask(null),
  };
  return (
    <>
      <Button onClick={() => ask("reset")}>Reset password</Button>
      {user.is_active ? (
        <Button onClick={() => ask("disable")}>Disable</Button>
      ) : (
        <Button busy={stored.busy.value} onClick={() => void setActive(true)}>
          Enable
        </Button>
      )}
      <Button kind="danger" onClick={() => ask("delete")}>
        Delete
      </Button>
      {asking === "disable" && (
        <Confirm
          {...dialog}
          title={`Disable ${user.username}?`}
          action="Disable"
          onConfirm={() => void setActive(false)}
        >
          <p>
            {isSelf && <strong>This is you. </strong>}
            Every sign-in ends at once, and every API key is revoked for good. Benchmarks, and what runs, stay. You can
            enable {user.username} again; the keys do not come back.
          </p>
          {stored.error.value && <Notice error={stored.error.value} what="Not disabled." />}
        </Confirm>
      )}
      {asking === "delete" && (
        <Confirm {...dialog} title={`Delete ${user.username}?`} action="Delete" onConfirm={() => void remove()}>
          <p>
            {isSelf && <strong>This is you. </strong>}
            Their sign-ins and API keys go. Their benchmarks and results stay, but belong to nobody: those that are not
            shared are then seen only with the permission <code>admin.see_all</code>. The audit trail keeps what they
            did.
          </p>
          {stored.error.value && <Notice error={stored.error.value} what="Not deleted." />}
        </Confirm>
      )}
      {asking === "reset" && (
        <Confirm
          {...dialog}
          title={`Another password for ${user.username}?`}
          action="Make a password"
          onConfirm={() => void reset()}
        >
          <p>The service makes one and shows it to you once. Every sign-in of theirs ends; API keys stay.</p>
          {error.value && <Notice error={error.value} what="Not changed." />}
        </Confirm>
      )}
      {password && <ShownOnce username={user.username} password={password} onClose={() => setPassword("")} />}
    </>
  );
}
