import { useState } from "preact/hooks";
import { getSignInMethods } from "../../api/endpoints";
import { query, safeReturn } from "../../app/router";
import { signIn } from "../../app/session";
import { Button, LinkButton } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Icon } from "../../ui/icons";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";
import { reference, refusal } from "./refusals";
import "../../ui/panel.css";
import "./signin.css";

export function SignIn() {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, run } = useAction();

  const methods = useLoad("methods", getSignInMethods);
  // Nothing until it is known which ways there are; a form that cannot be asked about is better than none.
  const hasPassword = methods.data.value?.password ?? !methods.loading.value;
  const providers = methods.data.value?.oidc ?? [];
  const refused = error.value || busy.value ? null : refusal(query.value.get("error"));
  const request = reference(query.value.get("ref"));
  const next = encodeURIComponent(safeReturn(query.value.get("next")));

  const submit = (event: Event) => {
    event.preventDefault();
    void run(() => signIn(username, password));
  };

  return (
    <main class="signin">
      <form class="panel" onSubmit={submit}>
        <h1>
          <Icon name="pulse" />
          LLM Test Bench
        </h1>
        {hasPassword && (
          <>
            <TextField
              label="Username"
              name="username"
              value={username}
              onInput={setUsername}
              autoComplete="username"
              autoFocus
              required
            />
            <TextField
              label="Password"
              name="password"
              type="password"
              value={password}
              onInput={setPassword}
              autoComplete="current-password"
              required
            />
          </>
        )}
        {error.value && <Notice error={error.value} what="Not signed in." />}
        {refused && (
          <div class="notice" role="alert">
            <Icon name="alert" />
            <div>
              <strong>Not signed in.</strong> {refused}
              {request && (
                <p class="request-id">
                  Request <code>{request}</code>
                </p>
              )}
            </div>
          </div>
        )}
        {hasPassword && (
          <Button type="submit" kind="primary" busy={busy.value}>
            {busy.value ? "Signing in…" : "Sign in"}
          </Button>
        )}
        {providers.map((provider) => (
          <LinkButton
            key={provider.name}
            kind={hasPassword ? "plain" : "primary"}
            href={`${provider.login_url}?next=${next}`}
          >
            Sign in with {provider.label}
          </LinkButton>
        ))}
        {hasPassword && (
          <p class="muted">
            The first start of the service made the user <code>admin</code> and wrote the password to{" "}
            <code>data/admin-password</code>.
          </p>
        )}
      </form>
    </main>
  );
}
