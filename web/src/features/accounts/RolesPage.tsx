import { Fragment } from "preact";
import { listRoles } from "../../api/admin";
import type { Role } from "../../api/types";
import { may, me } from "../../app/session";
import { Badge } from "../../ui/Badge";
import { CopyButton } from "../../ui/CopyButton";
import { Icon } from "../../ui/icons";
import { PageHead, Panel } from "../../ui/Panel";
import { ALL_PERMISSIONS, families, PERMISSION_WORDS } from "../../ui/permissions";
import { Failure, Loading } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { useLoad } from "../../ui/useLoad";
import "./accounts.css";

const EXAMPLE = `[security]
default_role = "viewer"

[[security.roles]]
name = "auditor"
permissions = ["admin.audit", "admin.see_all", "benchmark.read", "results.read", "account.self"]`;

export function RolesPage() {
  const roles = useLoad("roles", listRoles);
  const items = roles.data.value;
  return (
    <>
      <PageHead title="Roles" crumb={may("user.manage") && <a href="/users">Users</a>} />
      {!items && roles.error.value && <Failure error={roles.error.value} what="the roles" retry={roles.reload} />}
      {!items && !roles.error.value && <Loading what="roles" />}
      {items && (
        <div class="roles">
          <Matrix roles={items} />
          <HowToAdd />
        </div>
      )}
    </>
  );
}

function Matrix({ roles }: { roles: readonly Role[] }) {
  const mine = me()?.role;
  return (
    <TableFrame label="What each role may do">
      <table class="table role-table">
        <caption class="visually-hidden">What each role may do</caption>
        <thead>
          <tr>
            <th scope="col">Permission</th>
            {roles.map((role) => (
              <th key={role.name} scope="col">
                {role.name}
                <span class="unit">
                  {[
                    role.built_in ? "built in" : "configured",
                    role.is_default && "default",
                    role.name === mine && "yours",
                  ]
                    .filter(Boolean)
                    .join(", ")}
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {families(ALL_PERMISSIONS).map((family) => (
            <Fragment key={family.title}>
              <tr class="role-family">
                <th scope="colgroup" colSpan={roles.length + 1}>
                  {family.title}
                </th>
              </tr>
              {family.permissions.map((permission) => (
                <tr key={permission}>
                  <th scope="row">
                    {PERMISSION_WORDS[permission]}
                    <code class="muted role-permission">{permission}</code>
                  </th>
                  {roles.map((role) => (
                    <td key={role.name}>
                      {role.permissions.includes(permission) ? (
                        <Badge tone="ok" icon="check" word="yes" />
                      ) : (
                        <span class="muted">no</span>
                      )}
                    </td>
                  ))}
                </tr>
              ))}
            </Fragment>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}

function HowToAdd() {
  return (
    <Panel title="Adding a role" aside={<Icon name="lock" />}>
      <div class="account-form">
        <p>
          Roles are part of the configuration, so that nobody can give themselves more by a click. <code>admin</code>,{" "}
          <code>user</code> and <code>viewer</code> are always there; add others to <code>config.toml</code> and restart
          the service:
        </p>
        <div class="secret">
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
          <pre class="secret-text" tabIndex={0}>
            {EXAMPLE}
          </pre>
          <CopyButton text={EXAMPLE} what="the example" />
        </div>
        <p class="muted">
          <code>benchmark.*</code> means a whole family, <code>*</code> everything. <code>default_role</code> is what
          new users get when none is named. Users whose role is gone from the configuration may do what viewers may,
          until they get another one.
        </p>
      </div>
    </Panel>
  );
}
