import { listRoles } from "../api/admin";
import type { Permission } from "../api/types";
import { LinkButton } from "../ui/Button";
import { PERMISSION_WORDS } from "../ui/permissions";
import { Message } from "../ui/states";
import { useLoad } from "../ui/useLoad";
import { me } from "./session";

/** In place of a page that one may not see: what is missing, and whom to ask for it. */
export function NoPermission({ permission, what }: { permission: Permission; what: string }) {
  const roles = useLoad("roles", listRoles).data.value;
  const able = roles?.filter((role) => role.permissions.includes(permission)).map((role) => role.name) ?? [];
  const role = me()?.role;
  return (
    <Message
      icon="lock"
      title={`You may not see ${what}`}
      action={<LinkButton href="/account">What I may do</LinkButton>}
    >
      <p>
        This needs the permission <code>{permission}</code>: to {PERMISSION_WORDS[permission]}.
        {role && ` Your role, ${role}, does not have it.`}
      </p>
      <p>
        Ask an administrator, who manages users, for it
        {able.length > 0 && `. ${able.length === 1 ? "The role" : "Roles"} with it: ${able.join(", ")}`}.
      </p>
    </Message>
  );
}
