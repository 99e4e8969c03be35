import { useEffect, useState } from "preact/hooks";
import { listRoles, listUsers } from "../../api/admin";
import type { UserCreated, UserDetail } from "../../api/types";
import { navigate, query, setQuery } from "../../app/router";
import { me } from "../../app/session";
import { Badge } from "../../ui/Badge";
import { Button, LinkButton } from "../../ui/Button";
import { Moment } from "../../ui/Moment";
import { MoreRows } from "../../ui/MoreRows";
import { PageHead } from "../../ui/Panel";
import { Failure, Loading, Message, Notice } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { useLoad } from "../../ui/useLoad";
import { usePages } from "../../ui/usePages";
import { NewUserDialog } from "./NewUserDialog";
import { ShownOnce } from "./ShownOnce";
import "./accounts.css";

// As on the page of benchmarks: not every letter is asked for.
const SEARCH_AFTER_MS = 250;
const PAGE_SIZE = 50;
// What the service takes.
const MOST_CHARACTERS = 64;

export const userAddress = (username: string) => `/users/${encodeURIComponent(username)}`;

export function UsersPage() {
  const q = (query.value.get("q") ?? "").slice(0, MOST_CHARACTERS);
  const users = usePages<UserDetail>(q, (cursor, signal) => listUsers({ q, cursor, limit: PAGE_SIZE }, signal));
  const roles = useLoad("roles", listRoles);
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<UserCreated | null>(null);
  const items = users.items.value;
  const teams = [...new Set(items?.flatMap((user) => user.team ?? []))].sort();
  return (
    <>
      <PageHead
        title="Users"
        actions={
          <>
            <LinkButton href="/roles">Roles</LinkButton>
            <Button kind="primary" icon="plus" disabled={!roles.data.value} onClick={() => setMaking(true)}>
              New user
            </Button>
          </>
        }
      />
      <Search q={q} />
      {!items && users.error.value && <Failure error={users.error.value} what="the users" retry={users.reload} />}
      {!items && !users.error.value && <Loading what="users" />}
      {items && users.error.value && <Notice error={users.error.value} what="The list is not up to date." />}
      {roles.error.value && <Notice error={roles.error.value} what="The roles are not known." />}
      {items?.length === 0 && (
        <Message
          icon="search"
          title="No user matches"
          action={<Button onClick={() => setQuery({ q: null })}>Show all</Button>}
        />
      )}
      {items && items.length > 0 && <UserTable users={items} />}
      <MoreRows pages={users} />
      {isMaking && roles.data.value && (
        <NewUserDialog
          roles={roles.data.value}
          teams={teams}
          onClose={() => setMaking(false)}
          onMade={(user) => {
            setMaking(false);
            users.reload();
            if (user.password) setMade(user);
            else navigate(userAddress(user.username));
          }}
        />
      )}
      {made?.password && <ShownOnce username={made.username} password={made.password} onClose={() => setMade(null)} />}
    </>
  );
}

function Search({ q }: { q: string }) {
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  useEffect(() => {
    const timer = setTimeout(() => setQuery({ q: text.trim() || null }), SEARCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <search class="filter-bar">
      <input
        type="search"
        aria-label="Search users"
        placeholder="Search name, e-mail address or team  ( / )"
        maxLength={MOST_CHARACTERS}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </search>
  );
}

function UserTable({ users }: { users: readonly UserDetail[] }) {
  const self = me()?.username;
  return (
    <TableFrame label="Users">
      <table class="table cards user-table">
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col">Role</th>
            <th scope="col">Team</th>
            <th scope="col">E-mail address</th>
            <th scope="col">Last sign-in</th>
            <th scope="col">Made</th>
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <tr key={user.id}>
              <th scope="row" class="whole">
                <span>
                  <a href={userAddress(user.username)}>{user.username}</a>
                  {user.username === self && <span class="muted"> (you)</span>}
                </span>
              </th>
              <td data-label="State">
                <StateBadge user={user} />
              </td>
              <td data-label="Role">{user.role}</td>
              <td data-label="Team">{user.team ?? <span class="muted">none</span>}</td>
              <td class="whole" data-label="E-mail address">
                {user.email ?? <span class="muted">none</span>}
              </td>
              <td data-label="Last sign-in">
                <Moment at={user.last_login_at} />
              </td>
              <td data-label="Made">
                <Moment at={user.created_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

export function StateBadge({ user }: { user: UserDetail }) {
  return user.is_active ? (
    <Badge tone="ok" icon="check" word="active" />
  ) : (
    <Badge tone="quiet" icon="minus" word="disabled" title="May not sign in" />
  );
}
