import { useState } from "preact/hooks";
import { getSignInMethods } from "../../api/endpoints";
import type { User } from "../../api/types";
import { giveUpSession, signInAgain } from "../../app/session";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";

/** Over a page whose session has ended: the page behind it, and what was typed there, waits. */
export function SignInAgain({ user }: { user: User }) {
  const [password, setPassword] = useState("");
  const { busy, error, run } = useAction();
  // Where only identity providers let people in, there is no password to ask for.
  const hasPassword = useLoad("methods", getSignInMethods).data.value?.password ?? true;
  return (
    <Dialog title="You have been signed out" onClose={() => {}}>
      <form
        class="signin-again"
        onSubmit={(event) => {
          event.preventDefault();
          void run(() => signInAgain(user.username, password));
        }}
      >
        <p>
          The sign-in of {user.username} was ended elsewhere, or is too old.{" "}
          {hasPassword
            ? "Sign in again to go on here: what you have typed is kept, and what was not saved yet has to be sent once more."
            : "Keep a copy of what you have typed, if you need it: signing in again leaves this page."}
        </p>
        {hasPassword && (
          <TextField
            label={`Password of ${user.username}`}
            name="password"
            type="password"
            value={password}
            onInput={setPassword}
            autoComplete="current-password"
            autoFocus
            required
          />
        )}
        {error.value && <Notice error={error.value} what="Not signed in." />}
        <div class="dialog-actions">
          <Button onClick={giveUpSession}>{hasPassword ? "Other ways to sign in" : "To the sign-in page"}</Button>
          {hasPassword && (
            <Button type="submit" kind="primary" busy={busy.value}>
              {busy.value ? "Signing in…" : "Sign in"}
            </Button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
