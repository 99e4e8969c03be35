import { useState } from "preact/hooks";
import { endSignInsOf, listKeysOf, listSignInsOf } from "../../api/admin";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { Failure, Loading, Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";
import { KeyTable } from "./KeyTable";
import { SignInTable } from "./SignInTable";

/** Where another user is signed in; all of it can be ended. */
export function UserSignIns({ username }: { username: string }) {
  const list = useLoad(`sign-ins of ${username}`, (signal) => listSignInsOf(username, signal));
  const [isAsking, setAsking] = useState(false);
  const { busy, error, run } = useAction();
  const items = list.data.value;
  const end = async () => {
    if (!(await run(() => endSignInsOf(username)))) return;
    setAsking(false);
    list.reload();
  };
  return (
    <section class="account-wide" aria-labelledby="sign-ins">
      <header class="section-head">
        <h2 id="sign-ins">Sign-ins</h2>
        {items && items.length > 0 && <Button onClick={() => setAsking(true)}>End all</Button>}
      </header>
      {!items && list.error.value && <Failure error={list.error.value} what="the sign-ins" retry={list.reload} />}
      {!items && !list.error.value && <Loading what="sign-ins" />}
      {items?.length === 0 && <p class="panel muted">{username} is signed in nowhere.</p>}
      {items && items.length > 0 && <SignInTable signIns={items} />}
      {isAsking && (
        <Confirm
          title={`End all sign-ins of ${username}?`}
          action="End them"
          keep="Keep them"
          busy={busy.value}
          onConfirm={() => void end()}
          onClose={() => setAsking(false)}
        >
          <p>Every device has to sign in again, at once. API keys go on working.</p>
          {error.value && <Notice error={error.value} what="Not ended." />}
        </Confirm>
      )}
    </section>
  );
}

/** Another user's API keys, without their secrets. */
export function UserKeys({ username }: { username: string }) {
  const list = useLoad(`keys of ${username}`, (signal) => listKeysOf(username, signal));
  const items = list.data.value;
  return (
    <section class="account-wide" aria-labelledby="keys">
      <header class="section-head">
        <h2 id="keys">API keys</h2>
      </header>
      {!items && list.error.value && <Failure error={list.error.value} what="the API keys" retry={list.reload} />}
      {!items && !list.error.value && <Loading what="API keys" />}
      {items?.length === 0 && <p class="panel muted">{username} has no API keys.</p>}
      {items && items.length > 0 && <KeyTable keys={items} onRevoked={list.reload} />}
    </section>
  );
}
