import type { SignIn } from "../../api/types";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Moment } from "../../ui/Moment";
import { TableFrame } from "../../ui/TableFrame";
import { exact } from "../../ui/times";
import { describeDevice, describeMethod } from "./devices";

interface SignInTableProps {
  signIns: readonly SignIn[];
  /** Ends one; without it they can only be looked at. */
  onEnd?: (signIn: SignIn) => void;
  busy?: boolean;
}

export function SignInTable({ signIns, onEnd, busy }: SignInTableProps) {
  return (
    <TableFrame label="Sign-ins">
      <table class="table cards sign-ins">
        <thead>
          <tr>
            <th scope="col">Device</th>
            <th scope="col">Address</th>
            <th scope="col">By</th>
            <th scope="col">Signed in</th>
            <th scope="col">Last used</th>
            {onEnd && (
              <th scope="col">
                <span class="visually-hidden">Actions</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {signIns.map((signIn) => (
            <tr key={signIn.id}>
              <th scope="row" class="whole" title={signIn.user_agent}>
                <span>
                  {describeDevice(signIn.user_agent)}{" "}
                  {signIn.current && <Badge tone="ok" icon="check" word="this one" title="You are using it now" />}
                </span>
              </th>
              <td data-label="Address" class="number">
                {signIn.address || "unknown"}
              </td>
              <td data-label="By">{describeMethod(signIn.method)}</td>
              <td data-label="Signed in">
                <Moment at={signIn.created_at} />
              </td>
              <td data-label="Last used" title={`Ends ${exact(signIn.expires_at)} unless it is used before`}>
                <Moment at={signIn.last_used_at} />
              </td>
              {onEnd && (
                <td class="right whole">
                  {!signIn.current && (
                    <Button
                      kind="quiet"
                      busy={busy}
                      title={`End the sign-in of ${describeDevice(signIn.user_agent)}`}
                      onClick={() => onEnd(signIn)}
                    >
                      End
                    </Button>
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </TableFrame>
  );
}
