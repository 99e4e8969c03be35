import { useState } from "preact/hooks";
import { chooseTheme, chooseZone, preferences } from "../../app/preferences";
import { asTheme, type Theme } from "../../app/theme";
import { Choice } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import { Notice } from "../../ui/states";
import { exact, type Zone, zoneName } from "../../ui/times";
import { useAction } from "../../ui/useAction";
import { useNow } from "../../ui/useNow";

/** What holds in every browser in which one signs in. */
export function PreferencesPanel() {
  const now = useNow(1000);
  const { busy, error, run } = useAction();
  const stored = preferences.value;
  // What was just chosen shows at once; when it cannot be kept, what is kept shows again.
  const [chosen, setChosen] = useState<{ theme?: Theme; times?: Zone }>({});
  const theme = chosen.theme ?? asTheme(stored?.theme) ?? "system";
  const times = chosen.times ?? (stored?.times === "utc" ? "utc" : "local");
  const choose = async (choice: typeof chosen, keep: () => Promise<void>) => {
    setChosen(choice);
    await run(keep);
    setChosen({});
  };
  return (
    <Panel title="Preferences" aside={busy.value ? "Saving…" : "Kept by the service, for all your browsers"}>
      <div class="preferences">
        <div>
          <h3>Theme</h3>
          <Choice
            legend="Theme"
            value={theme}
            onInput={(value) => {
              const next = asTheme(value) ?? "system";
              void choose({ theme: next }, () => chooseTheme(next));
            }}
            options={[
              { value: "system", label: "As the system" },
              { value: "light", label: "Light" },
              { value: "dark", label: "Dark" },
            ]}
          />
          <p class="field-hint">The switch at the top changes it in this browser only.</p>
        </div>
        <div>
          <h3>Times</h3>
          <Choice
            legend="Times"
            value={times}
            onInput={(value) => {
              const next = value === "utc" ? "utc" : "local";
              void choose({ times: next }, () => chooseZone(next));
            }}
            options={[
              { value: "local", label: "Local" },
              { value: "utc", label: "UTC" },
            ]}
          />
          <p class="field-hint">
            Now: {exact(new Date(now).toISOString())} ({zoneName()})
          </p>
        </div>
      </div>
      {error.value && <Notice error={error.value} what="Not saved." />}
    </Panel>
  );
}
