import type { Permission } from "../../api/types";
import { families, PERMISSION_WORDS } from "../../ui/permissions";

/** What someone may do, in words, the names beside them. */
export function PermissionList({ permissions }: { permissions: readonly Permission[] }) {
  return (
    <dl class="permission-list">
      {families(permissions).map((family) => (
        <div key={family.title}>
          <dt>{family.title}</dt>
          <dd>
            <ul>
              {family.permissions.map((permission) => (
                <li key={permission}>
                  {PERMISSION_WORDS[permission]} <code class="muted">{permission}</code>
                </li>
              ))}
            </ul>
          </dd>
        </div>
      ))}
    </dl>
  );
}
