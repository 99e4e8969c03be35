import { useState } from "preact/hooks";
import { signIn } from "../../app/session";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Icon } from "../../ui/icons";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import "../../ui/panel.css";
import "./signin.css";

export function SignIn() {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, run } = useAction();

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
        {error.value && <Notice error={error.value} what="Not signed in." />}
        <Button type="submit" kind="primary" busy={busy.value}>
          {busy.value ? "Signing in…" : "Sign in"}
        </Button>
        <p class="muted">
          The first start of the service made the user <code>admin</code> and wrote the password to{" "}
          <code>data/admin-password</code>.
        </p>
      </form>
    </main>
  );
}
