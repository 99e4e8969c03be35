import { useState } from "preact/hooks";
import { changePassword } from "../../api/admin";
import { getSignInMethods } from "../../api/endpoints";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { count } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { formProblems } from "../../ui/problems";
import { Notice, Remark } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";
import { passwordHint } from "./passwords";

/** Another password for oneself. */
export function PasswordPanel({ username, onChanged }: { username: string; onChanged: () => void }) {
  const rule = useLoad("methods", getSignInMethods).data.value;
  const [old, setOld] = useState("");
  const [next, setNext] = useState("");
  const [again, setAgain] = useState("");
  const [differs, setDiffers] = useState(false);
  const [ended, setEnded] = useState<number | null>(null);
  const { busy, error, run } = useAction();
  const { at, notice } = formProblems(error.value, ["old_password", "new_password"]);

  const submit = async (event: Event) => {
    event.preventDefault();
    setEnded(null);
    setDiffers(next !== again);
    if (next !== again) return;
    const worked = await run(async () => setEnded((await changePassword(old, next)).sign_ins_ended));
    if (!worked) return;
    setOld("");
    setNext("");
    setAgain("");
    onChanged();
  };
  if (rule?.password === false) {
    return (
      <Panel title="Password">
        <p class="muted">Nobody signs in with a password here: your identity provider looks after yours.</p>
      </Panel>
    );
  }
  return (
    <Panel title="Password">
      <form class="account-form" onSubmit={(event) => void submit(event)}>
        <input hidden autoComplete="username" value={username} readOnly />
        <TextField
          label="Password now"
          name="old-password"
          type="password"
          value={old}
          problem={at.old_password}
          onInput={setOld}
          autoComplete="current-password"
          required
        />
        <TextField
          label="New password"
          name="new-password"
          type="password"
          value={next}
          hint={rule ? passwordHint(rule.min_password_characters, rule.max_password_characters, next) : undefined}
          problem={at.new_password}
          onInput={setNext}
          autoComplete="new-password"
          required
        />
        <TextField
          label="New password again"
          name="new-password-again"
          type="password"
          value={again}
          problem={differs && next !== again ? "is not the same" : undefined}
          onInput={setAgain}
          autoComplete="new-password"
          required
        />
        <p class="muted">
          Changing it ends every other sign-in of yours at once. This one goes on, and API keys stay as they are.
        </p>
        {notice && <Notice error={notice} what="Not changed." />}
        {ended !== null && (
          <Remark tone="ok">
            The password is changed.{" "}
            {ended === 0
              ? "There were no other sign-ins."
              : `${count(ended)} other sign-${ended === 1 ? "in has" : "ins have"} ended.`}
          </Remark>
        )}
        <div>
          <Button type="submit" kind="primary" busy={busy.value}>
            {busy.value ? "Changing…" : "Change password"}
          </Button>
        </div>
      </form>
    </Panel>
  );
}
