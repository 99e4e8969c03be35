import { useState } from "preact/hooks";
import { createKey } from "../../api/admin";
import type { ApiKeyCreated, Permission } from "../../api/types";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { Dialog } from "../../ui/Dialog";
import { CheckField, Choice, SelectField, TextField } from "../../ui/Field";
import { families, PERMISSION_WORDS } from "../../ui/permissions";
import { formProblems } from "../../ui/problems";
import { Notice, Remark } from "../../ui/states";
import { useAction } from "../../ui/useAction";
import { curlExample } from "./key-example";

const EXPIRIES = [
  { value: "7", label: "in 7 days" },
  { value: "30", label: "in 30 days" },
  { value: "90", label: "in 90 days" },
  { value: "365", label: "in a year" },
  { value: "", label: "never" },
];

interface KeyDialogProps {
  /** What its maker may do, which is the most that a key can. */
  permissions: readonly Permission[];
  onMade: () => void;
  onClose: () => void;
}

/** Makes an API key, and shows it this once. */
export function KeyDialog({ permissions, onMade, onClose }: KeyDialogProps) {
  const [made, setMade] = useState<ApiKeyCreated | null>(null);
  if (made) return <MadeKey made={made} onClose={onClose} />;
  return (
    <KeyForm
      permissions={permissions}
      onClose={onClose}
      onMade={(key) => {
        setMade(key);
        onMade();
      }}
    />
  );
}

function KeyForm({
  permissions,
  onMade,
  onClose,
}: {
  permissions: readonly Permission[];
  onMade: (made: ApiKeyCreated) => void;
  onClose: () => void;
}) {
  const [name, setName] = useState("");
  const [reach, setReach] = useState("some");
  const [scopes, setScopes] = useState<ReadonlySet<Permission>>(new Set());
  const [days, setDays] = useState("90");
  const [missing, setMissing] = useState("");
  const { busy, error, run } = useAction();
  const { at, notice } = formProblems(error.value, ["name", "scopes", "expires_in_days"]);

  const toggle = (permission: Permission, isWanted: boolean) => {
    const next = new Set(scopes);
    if (isWanted) next.add(permission);
    else next.delete(permission);
    setScopes(next);
    setMissing("");
  };
  const submit = (event: Event) => {
    event.preventDefault();
    if (reach === "some" && scopes.size === 0) {
      setMissing("Choose at least one, or everything that you may do.");
      return;
    }
    void run(async () =>
      onMade(
        await createKey({
          name: name.trim(),
          scopes: reach === "all" ? null : [...scopes],
          expires_in_days: days === "" ? null : Number(days),
        }),
      ),
    );
  };
  return (
    <Dialog title="New API key" onClose={onClose}>
      <form class="account-form" onSubmit={submit}>
        <TextField
          label="Name"
          name="key-name"
          value={name}
          placeholder="nightly job"
          hint="What it is for, so that you know later which one to revoke."
          problem={at.name}
          onInput={setName}
          required
          autoFocus
        />
        <SelectField
          label="Expires"
          name="key-expiry"
          value={days}
          options={EXPIRIES}
          problem={at.expires_in_days}
          onInput={setDays}
        />
        <fieldset class="scopes">
          <legend>What it may do</legend>
          <Choice
            legend="How much it may do"
            value={reach}
            onInput={(next) => {
              setReach(next);
              setMissing("");
            }}
            options={[
              { value: "some", label: "Only what I choose" },
              { value: "all", label: "Everything that I may do" },
            ]}
          />
          {reach === "all" ? (
            <p class="field-hint">
              What you may do now. When your role loses something, the key loses it too; what it gains, the key does not
              get.
            </p>
          ) : (
            families(permissions).map((family) => (
              <div key={family.title} class="scope-family">
                <h3>{family.title}</h3>
                {family.permissions.map((permission) => (
                  <CheckField
                    key={permission}
                    label={PERMISSION_WORDS[permission]}
                    hint={permission}
                    checked={scopes.has(permission)}
                    onInput={(isWanted) => toggle(permission, isWanted)}
                  />
                ))}
              </div>
            ))
          )}
          {(missing || at.scopes) && (
            <p class="field-problem" role="alert">
              {missing || at.scopes}
            </p>
          )}
        </fieldset>
        {notice && <Notice error={notice} what="Not made." />}
        <div class="dialog-actions">
          <Button onClick={onClose}>Close</Button>
          <Button type="submit" kind="primary" busy={busy.value}>
            {busy.value ? "Making…" : "Make key"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

function MadeKey({ made, onClose }: { made: ApiKeyCreated; onClose: () => void }) {
  const example = curlExample(made.key, made.scopes, location.origin);
  return (
    <Dialog title={`The API key “${made.name}”`} onClose={onClose}>
      <div class="account-form">
        <Remark tone="warn">
          <strong>Shown this once.</strong> Store it now: it cannot be read again, only revoked.
        </Remark>
        <div class="secret">
          <code class="secret-text">{made.key}</code>
          <CopyButton text={made.key} what="the key" />
        </div>
        <div>
          <h3>Try it</h3>
          <div class="secret">
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
            <pre class="secret-text" tabIndex={0}>
              {example}
            </pre>
            <CopyButton text={example} what="the example" />
          </div>
        </div>
        <div class="dialog-actions">
          <Button kind="primary" onClick={onClose}>
            I have stored it
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
