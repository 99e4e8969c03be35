import { useState } from "preact/hooks";
import { createUser } from "../../api/admin";
import { getSignInMethods } from "../../api/endpoints";
import type { Role, UserCreated } from "../../api/types";
import { me } from "../../app/session";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Choice, SelectField, TextField } from "../../ui/Field";
import { formProblems } from "../../ui/problems";
import { Notice } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { useLoad } from "../../ui/useLoad";
import { passwordHint } from "./passwords";
import { type NewUserDraft, newUserOf, roleOptions } from "./user-form";

interface NewUserProps {
  roles: readonly Role[];
  teams: readonly string[];
  onMade: (user: UserCreated) => void;
  onClose: () => void;
}

export function NewUserDialog({ roles, teams, onMade, onClose }: NewUserProps) {
  const rule = useLoad("methods", getSignInMethods).data.value;
  const options = roleOptions(roles, me()?.permissions ?? []);
  const first = roles.find((role) => role.is_default)?.name;
  const [draft, setDraft] = useState<NewUserDraft>({
    username: "",
    role: options.find(({ value }) => value === first)?.value ?? options[0]?.value ?? "",
    team: "",
    email: "",
    password: "",
  });
  const [chooses, setChooses] = useState("made");
  const { busy, error, run } = useAction();
  const { at, notice } = formProblems(error.value, ["username", "role", "team", "email", "password"]);
  const change = (changes: Partial<NewUserDraft>) => setDraft({ ...draft, ...changes });
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => onMade(await createUser(newUserOf(chooses === "made" ? { ...draft, password: "" } : draft))));
  };
  return (
    <Dialog title="New user" onClose={onClose}>
      <form class="account-form" onSubmit={submit}>
        <TextField
          label="Name to sign in with"
          name="username"
          value={draft.username}
          problem={at.username}
          onInput={(username) => change({ username })}
          required
          autoFocus
        />
        <SelectField
          label="Role"
          name="role"
          value={draft.role}
          options={options}
          problem={at.role}
          hint="Roles that may do more than you are not offered."
          onInput={(role) => change({ role })}
        />
        <TextField
          label="Team"
          name="team"
          value={draft.team}
          list={teams}
          problem={at.team}
          hint="Whom they reach by sharing with their team; may be empty."
          onInput={(team) => change({ team })}
        />
        <TextField
          label="E-mail address"
          name="email"
          value={draft.email}
          problem={at.email}
          hint="For you to know; nothing is sent there."
          onInput={(email) => change({ email })}
        />
        <div class="field">
          <Choice
            legend="Password"
            value={chooses}
            onInput={setChooses}
            options={[
              { value: "made", label: "Make a password" },
              { value: "given", label: "I choose one" },
            ]}
          />
          {chooses === "made" && <p class="field-hint">It is shown to you once, after the user has been made.</p>}
        </div>
        {chooses === "given" && (
          <TextField
            label="Password"
            name="password"
            type="password"
            value={draft.password}
            problem={at.password}
            hint={
              rule
                ? passwordHint(rule.min_password_characters, rule.max_password_characters, draft.password)
                : undefined
            }
            onInput={(password) => change({ password })}
            autoComplete="new-password"
            required
          />
        )}
        {notice && <Notice error={notice} what="Not made." />}
        <div class="dialog-actions">
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" kind="primary" busy={busy.value}>
            {busy.value ? "Making…" : "Make user"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
