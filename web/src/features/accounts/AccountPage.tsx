import { useState } from "preact/hooks";
import { endMyOtherSignIns, endMySignIn, listMyKeys, listMySignIns } from "../../api/admin";
import type { User } from "../../api/types";
import { me } from "../../app/session";
import { Button } from "../../ui/Button";
import { Confirm } from "../../ui/Dialog";
import { count } from "../../ui/numbers";
import { PageHead, Panel } from "../../ui/Panel";
import { Failure, Loading, Message, Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";
import { KeyDialog } from "./KeyDialog";
import { KeyTable } from "./KeyTable";
import { PasswordPanel } from "./PasswordPanel";
import { PermissionList } from "./PermissionList";
import { PreferencesPanel } from "./PreferencesPanel";
import { SignInTable } from "./SignInTable";
import "./accounts.css";

export function AccountPage() {
  const user = me();
  // Ending sign-ins elsewhere on the page changes this list.
  const [round, setRound] = useState(0);
  if (!user) return null;
  return (
    <>
      <PageHead title="My account" />
      <div class="account">
        <Profile user={user} />
        <div class="account-side">
          <PasswordPanel username={user.username} onChanged={() => setRound(round + 1)} />
          <PreferencesPanel />
        </div>
        <SignIns round={round} />
        <Keys user={user} />
      </div>
    </>
  );
}

function Profile({ user }: { user: User }) {
  return (
    <Panel title="Profile" aside={<a href="/roles">What each role may do</a>}>
      <dl class="facts-list">
        <div>
          <dt>Name</dt>
          <dd>{user.username}</dd>
        </div>
        <div>
          <dt>Role</dt>
          <dd>{user.role}</dd>
        </div>
        <div>
          <dt>Team</dt>
          <dd>{user.team ?? <span class="muted">none: sharing with your team reaches nobody</span>}</dd>
        </div>
      </dl>
      <h3>You may</h3>
      <PermissionList permissions={user.permissions} />
      <p class="muted">Role and team are changed by those who manage users.</p>
    </Panel>
  );
}

function SignIns({ round }: { round: number }) {
  const list = useLoad(`sign-ins ${round}`, listMySignIns);
  const [isAsking, setAsking] = useState(false);
  const { busy, error, run } = useAction();
  const items = list.data.value;
  const others = items?.filter((signIn) => !signIn.current).length ?? 0;
  const endOne = (id: string) => void run(() => endMySignIn(id)).then(() => list.reload());
  const endOthers = async () => {
    if (!(await run(endMyOtherSignIns))) return;
    setAsking(false);
    list.reload();
  };
  return (
    <section class="account-wide" aria-labelledby="sign-ins">
      <header class="section-head">
        <h2 id="sign-ins">Where you are signed in</h2>
        {others > 0 && <Button onClick={() => setAsking(true)}>End all others</Button>}
      </header>
      {error.value && !isAsking && <Notice error={error.value} what="Not ended." />}
      {!items && list.error.value && <Failure error={list.error.value} what="your sign-ins" retry={list.reload} />}
      {!items && !list.error.value && <Loading what="your sign-ins" />}
      {items && <SignInTable signIns={items} busy={busy.value} onEnd={(signIn) => endOne(signIn.id)} />}
      {isAsking && (
        <Confirm
          title="End all other sign-ins?"
          action={others === 1 ? "End 1 sign-in" : `End ${count(others)} sign-ins`}
          keep="Keep them"
          busy={busy.value}
          onConfirm={() => void endOthers()}
          onClose={() => setAsking(false)}
        >
          <p>Every device but this one has to sign in again, at once. API keys go on working.</p>
          {error.value && <Notice error={error.value} what="Not ended." />}
        </Confirm>
      )}
    </section>
  );
}

function Keys({ user }: { user: User }) {
  const list = useLoad("keys", listMyKeys);
  const [isMaking, setMaking] = useState(false);
  const items = list.data.value;
  const add = (
    <Button icon="plus" onClick={() => setMaking(true)}>
      New API key
    </Button>
  );
  return (
    <section class="account-wide" aria-labelledby="keys">
      <header class="section-head">
        <h2 id="keys">API keys</h2>
        {items && items.length > 0 && add}
      </header>
      {!items && list.error.value && <Failure error={list.error.value} what="your API keys" retry={list.reload} />}
      {!items && !list.error.value && <Loading what="your API keys" />}
      {items && items.length > 0 && <KeyTable keys={items} onRevoked={list.reload} />}
      {items?.length === 0 && (
        <div class="panel">
          <Message icon="key" title="No API keys yet" action={add}>
            <p>An API key lets a program act for you: the command line, a CI job, a script.</p>
          </Message>
        </div>
      )}
      {isMaking && <KeyDialog permissions={user.permissions} onMade={list.reload} onClose={() => setMaking(false)} />}
    </section>
  );
}
