import { getConfiguration } from "../../api/admin";
import { PageHead } from "../../ui/Panel";
import { useLoad } from "../../ui/useLoad";
import { ConfigurationTable } from "./ConfigurationTable";
import { RuntimeForm } from "./RuntimeForm";
import "./settings.css";

export function SettingsPage() {
  const configuration = useLoad("configuration", getConfiguration);
  return (
    <>
      <PageHead title="Settings" />
      <div class="settings">
        <RuntimeForm configuration={configuration.data.value} />
        <ConfigurationTable configuration={configuration} />
      </div>
    </>
  );
}
