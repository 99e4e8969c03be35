import { getConfiguration } from "../../api/admin";
import { may } from "../../app/session";
import { PageHead } from "../../ui/Panel";
import { useLoad } from "../../ui/useLoad";
import { AlertsPanel } from "./AlertsPanel";
import { ConfigurationTable } from "./ConfigurationTable";
import { RuntimeForm } from "./RuntimeForm";
import "./settings.css";

export function SettingsPage() {
  const configuration = useLoad("configuration", getConfiguration);
  return (
    <>
      <PageHead title="Settings" />
      <div class="settings">
        <div class="settings-top">
          <RuntimeForm configuration={configuration.data.value} />
          {may("metrics.read") && <AlertsPanel />}
        </div>
        <ConfigurationTable configuration={configuration} />
      </div>
    </>
  );
}
