import { useSignal } from "@preact/signals";
import { useState } from "preact/hooks";
import { listModels } from "../../api/endpoints";
import type { Provider, ProviderModel } from "../../api/types";
import { may } from "../../app/session";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { MISSING } from "../../ui/numbers";
import { Failure, Loading, Notice } from "../../ui/states";
import { exact, relative } from "../../ui/times";
import { useLoad } from "../../ui/useLoad";
import { abilities, furtherPrices, matching, origin, perMillion, tokens } from "./model-facts";

/** So many rows at once; a vendor may list thousands. */
const MOST_ROWS = 300;

/** A provider's models: what it lists now and what is known of its vendor, with context lengths and prices. */
export function ModelsDialog({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const refresh = useSignal(false);
  const models = useLoad(provider.name, (signal) => {
    const wanted = refresh.value;
    refresh.value = false;
    return listModels(provider.name, signal, wanted);
  });
  const [search, setSearch] = useState("");
  const list = models.data.value;
  const found = list ? matching(list.models, search) : [];
  const again = () => {
    refresh.value = true;
    models.reload();
  };
  return (
    <Dialog wide title={`Models of ${provider.name}`} onClose={onClose}>
      {!list && models.error.value && <Failure error={models.error.value} what="the models" retry={models.reload} />}
      {!list && !models.error.value && <Loading what="models" />}
      {list && (
        <>
          {models.error.value && <Notice error={models.error.value} what="Not refreshed." />}
          <div class="models-head">
            <TextField label="Find" type="search" value={search} onInput={setSearch} />
            <p class="muted">
              {list.models.filter((model) => model.is_live).length} listed by the provider{" "}
              <time dateTime={list.fetched_at} title={exact(list.fetched_at)}>
                {relative(list.fetched_at, Date.now())}
              </time>
              , {list.models.filter((model) => !model.is_live).length} more known of its vendor
            </p>
          </div>
          <div class="table-frame models-frame">
            <table class="table models-table">
              <thead>
                <tr>
                  <th scope="col">Model</th>
                  <th scope="col" class="right">
                    Context
                  </th>
                  <th scope="col" class="right">
                    Output at most
                  </th>
                  <th scope="col" class="right" title="US dollars per million tokens">
                    $ / M in
                  </th>
                  <th scope="col" class="right" title="US dollars per million tokens">
                    $ / M out
                  </th>
                  <th scope="col">Price from</th>
                </tr>
              </thead>
              <tbody>
                {found.slice(0, MOST_ROWS).map((model) => (
                  <ModelRow key={model.id} model={model} />
                ))}
                {found.length === 0 && (
                  <tr>
                    <td colSpan={6} class="muted">
                      {search ? "No model matches." : "The provider lists no models."}
                    </td>
                  </tr>
                )}
              </tbody>
            </table>
          </div>
          {found.length > MOST_ROWS && (
            <p class="muted">
              {MOST_ROWS} of {found.length} are shown; search for the others.
            </p>
          )}
        </>
      )}
      <div class="dialog-actions">
        {list && may("provider.test") && (
          <Button icon="pulse" busy={models.loading.value} onClick={again}>
            {models.loading.value ? "Asking…" : "Ask the provider again"}
          </Button>
        )}
        <Button onClick={onClose}>Close</Button>
      </div>
    </Dialog>
  );
}

function ModelRow({ model }: { model: ProviderModel }) {
  const { can } = abilities(model.capabilities);
  const { price } = model;
  return (
    <tr>
      <th scope="row" class="model-name">
        <code>{model.id}</code>{" "}
        {model.is_live ? (
          <Badge tone="ok" icon="check" word="listed" title={can.join(", ") || undefined} />
        ) : (
          <Badge tone="quiet" icon="minus" word="known" title="The provider does not list it" />
        )}
        {model.is_deprecated && <Badge tone="warn" icon="alert" word="deprecated" />}
      </th>
      <td class="right number">{tokens(model.capabilities.context_length)}</td>
      <td class="right number">{tokens(model.capabilities.max_output_tokens)}</td>
      <td class="right number">{perMillion(price?.input)}</td>
      <td class="right number">{perMillion(price?.output)}</td>
      <td class="muted" title={price ? furtherPrices(price).join("; ") || undefined : undefined}>
        {price ? origin(price) : MISSING}
      </td>
    </tr>
  );
}
