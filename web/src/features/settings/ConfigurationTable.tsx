import { Fragment } from "preact";
import type { ConfiguredSetting } from "../../api/types";
import { query, setQuery } from "../../app/router";
import { Badge } from "../../ui/Badge";
import { CheckField } from "../../ui/Field";
import { count } from "../../ui/numbers";
import { Failure, Loading } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import type { Load } from "../../ui/useLoad";
import { isSet, sections, showValue } from "./configuration";

/** Everything that only the configuration and a restart can change: to be looked at. */
export function ConfigurationTable({ configuration }: { configuration: Load<ConfiguredSetting[]> }) {
  const text = query.value.get("q") ?? "";
  const wantsAll = query.value.get("all") === "1";
  const all = configuration.data.value;
  const found = all ? sections(all, text, wantsAll) : [];
  return (
    <section aria-labelledby="configuration">
      <header class="section-head">
        <h2 id="configuration">In the configuration</h2>
        <span class="muted">only there, in config.toml or the environment, and with a restart</span>
      </header>
      <search class="configuration-filters">
        <input
          type="search"
          aria-label="Search settings"
          placeholder="Search settings  ( / )"
          value={text}
          onInput={(event) => setQuery({ q: event.currentTarget.value || null })}
        />
        <CheckField
          label={all ? `All ${count(all.length)} settings, also those with their defaults` : "All settings"}
          checked={wantsAll}
          onInput={(isWanted) => setQuery({ all: isWanted ? "1" : null })}
        />
      </search>
      {!all && configuration.error.value && (
        <Failure error={configuration.error.value} what="the configuration" retry={configuration.reload} />
      )}
      {!all && !configuration.error.value && <Loading what="the configuration" />}
      {all && found.length === 0 && (
        <p class="panel muted">
          {text.trim() === "" ? "Nothing is set: every setting has its default." : "No setting matches."}
        </p>
      )}
      {found.length > 0 && (
        <TableFrame label="Settings of the configuration">
          <table class="table configuration-table">
            <thead>
              <tr>
                <th scope="col">Setting</th>
                <th scope="col">Value</th>
                <th scope="col">From</th>
                <th scope="col">Meaning</th>
              </tr>
            </thead>
            <tbody>
              {found.map(({ section, settings }) => (
                <Fragment key={section}>
                  <tr class="configuration-section">
                    <th scope="colgroup" colSpan={4}>
                      [{section}]
                    </th>
                  </tr>
                  {settings.map((setting) => (
                    <Row key={setting.key} setting={setting} section={section} />
                  ))}
                </Fragment>
              ))}
            </tbody>
          </table>
        </TableFrame>
      )}
    </section>
  );
}

function Row({ setting, section }: { setting: ConfiguredSetting; section: string }) {
  return (
    <tr>
      <th scope="row" title={`${setting.key}, or the variable ${setting.variable}`}>
        <code>{setting.key.slice(section.length + 1)}</code>
      </th>
      <td class="number configuration-value" title={`Default: ${showValue(setting.default)}`}>
        {showValue(setting.value)}
      </td>
      <td class="configuration-source">
        {isSet(setting) ? (
          <Badge tone="active" icon="info" word={setting.source} />
        ) : (
          <span class="muted">default</span>
        )}
      </td>
      <td class="configuration-meaning">
        {setting.description}
        {setting.allowed && <span class="muted"> ({setting.allowed})</span>}
        {setting.runtime_name && <span class="muted"> Can be changed above while the service runs.</span>}
      </td>
    </tr>
  );
}
