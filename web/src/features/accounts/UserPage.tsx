import { useEffect, useRef, useState } from "preact/hooks";
import { getUser, listRoles, updateUser } from "../../api/admin";
import type { UserDetail } from "../../api/types";
import { me } from "../../app/session";
import { Button } from "../../ui/Button";
import { Conflict, changesBetween } from "../../ui/Conflict";
import { SelectField, TextField } from "../../ui/Field";
import { Moment } from "../../ui/Moment";
import { PageHead, Panel } from "../../ui/Panel";
import { formProblems } from "../../ui/problems";
import { Failure, Loading, Notice, Remark } from "../../ui/states";
import { useLoad } from "../../ui/useLoad";
import { type Stored, useStored } from "../../ui/useStored";
import { UserKeys, UserSignIns } from "./UserAccess";
import { UserActions } from "./UserActions";
import { StateBadge } from "./UsersPage";
import { changesOf, draftOf, roleOptions } from "./user-form";
import "./accounts.css";

const FIELDS = { role: "role", team: "team", email: "e-mail address", is_active: "active" } as const;

export function UserPage({ id: username }: { id: string }) {
  const stored = useStored<UserDetail>(username, (signal) => getUser(username, signal));
  // Disabling, deleting and resetting end sign-ins and keys: the lists below are read anew.
  const [round, setRound] = useState(0);
  const user = stored.load.data.value?.value;
  const crumb = <a href="/users">Users</a>;
  if (!user) {
    const error = stored.load.error.value;
    return (
      <>
        <PageHead crumb={crumb} title={username} />
        {error ? <Failure error={error} what="the user" retry={stored.load.reload} /> : <Loading what="the user" />}
      </>
    );
  }
  return (
    <>
      <PageHead
        crumb={crumb}
        title={user.username}
        status={<StateBadge user={user} />}
        actions={<UserActions user={user} stored={stored} onEnded={() => setRound(round + 1)} />}
      />
      <div class="account">
        <UserForm user={user} stored={stored} />
        <Panel title="Facts">
          <dl class="facts-list">
            <div>
              <dt>Made</dt>
              <dd>
                <Moment at={user.created_at} />
              </dd>
            </div>
            <div>
              <dt>Changed</dt>
              <dd>
                <Moment at={user.updated_at} />
              </dd>
            </div>
            <div>
              <dt>Last sign-in</dt>
              <dd>
                <Moment at={user.last_login_at} />
              </dd>
            </div>
            <div>
              <dt>Trail</dt>
              <dd>
                {me()?.permissions.includes("admin.audit") ? (
                  <>
                    <a href={`/audit?actor=${encodeURIComponent(user.username)}`}>what they did</a> ·{" "}
                    <a href={`/audit?resource_type=user&resource_id=${user.id}`}>what was done to them</a>
                  </>
                ) : (
                  <span class="muted">needs the permission admin.audit</span>
                )}
              </dd>
            </div>
          </dl>
        </Panel>
        <UserSignIns key={`sign-ins ${round}`} username={user.username} />
        <UserKeys key={`keys ${round}`} username={user.username} />
      </div>
    </>
  );
}

function UserForm({ user, stored }: { user: UserDetail; stored: Stored<UserDetail> }) {
  const roles = useLoad("roles", listRoles);
  const [draft, setDraft] = useState(draftOf(user));
  const [isSaved, setSaved] = useState(false);
  const { at, notice } = formProblems(stored.error.value, ["role", "team", "email"]);
  const changes = changesOf(draft, user);
  const newer = stored.newer.value;
  const known = me();
  // What others changed shows as soon as it is stored here, unless something was typed.
  const before = useRef(user);
  useEffect(() => {
    if (changesOf(draft, before.current) === null) setDraft(draftOf(user));
    before.current = user;
  }, [user]);

  const submit = async (event: Event) => {
    event.preventDefault();
    setSaved(false);
    if (!changes) return;
    const worked = await stored.change(async (etag) => {
      const answer = await updateUser(user.username, changes, etag);
      setDraft(draftOf(answer.value));
      return answer;
    });
    setSaved(worked);
  };
  const change = (part: Partial<typeof draft>) => {
    setSaved(false);
    setDraft({ ...draft, ...part });
  };
  return (
    <Panel title="Profile">
      <form class="account-form" onSubmit={(event) => void submit(event)}>
        <SelectField
          label="Role"
          name="role"
          value={draft.role}
          options={roleOptions(roles.data.value ?? [], known?.permissions ?? [], user.role)}
          problem={at.role}
          hint={<a href="/roles">What each role may do</a>}
          onInput={(role) => change({ role })}
        />
        <TextField
          label="Team"
          name="team"
          value={draft.team}
          problem={at.team}
          hint="What is shared with their team now stays shared with that one."
          onInput={(team) => change({ team })}
        />
        <TextField
          label="E-mail address"
          name="email"
          value={draft.email}
          problem={at.email}
          onInput={(email) => change({ email })}
        />
        {known?.username === user.username && draft.role !== user.role && (
          <Remark tone="warn">This is you: with another role you may lose this very page.</Remark>
        )}
        {newer && (
          <Conflict
            what={user.username}
            changes={changesBetween<UserDetail>(user, newer.value, FIELDS)}
            onTake={() => {
              setDraft(draftOf(newer.value));
              stored.accept();
            }}
            onKeep={stored.accept}
          />
        )}
        {notice && <Notice error={notice} what="Not saved." />}
        {isSaved && !changes && <Remark tone="ok">Saved. A role holds from the next request on.</Remark>}
        <div>
          <Button type="submit" kind="primary" busy={stored.busy.value} disabled={!changes}>
            {stored.busy.value ? "Saving…" : "Save"}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
