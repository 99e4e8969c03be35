import { useSignal } from "@preact/signals";
import { listModels } from "../../api/endpoints";
import type { Provider, ProviderModel } from "../../api/types";
import { query, setQuery } from "../../app/router";
import { may } from "../../app/session";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { Moment } from "../../ui/Moment";
import { count, MISSING } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { Failure, Loading, Notice } from "../../ui/states";
import { TableFrame } from "../../ui/TableFrame";
import { useLoad } from "../../ui/useLoad";
import { abilities, asOf, furtherPrices, matching, origins, perMillion, tokens } from "./model-facts";

/** So many rows at once; a vendor may list thousands. */
const MOST_ROWS = 300;

/** A provider's models: what it lists now and what is known of its vendor, with context lengths and prices. */
export function ModelsPanel({ provider }: { provider: Provider }) {
  const refresh = useSignal(false);
  const models = useLoad(`${provider.name} ${provider.updated_at}`, (signal) => {
    const wanted = refresh.value;
    refresh.value = false;
    return listModels(provider.name, signal, wanted);
  });
  const search = query.value.get("q") ?? "";
  const list = models.data.value;
  const found = list ? matching(list.models, search) : [];
  const again = () => {
    refresh.value = true;
    models.reload();
  };
  const sources = origins(list?.models ?? []);
  return (
    <Panel
      title="Models and prices"
      flush
      aside={
        list &&
        may("provider.test") && (
          <Button kind="quiet" icon="pulse" busy={models.loading.value} onClick={again}>
            {models.loading.value ? "Asking…" : "Ask the provider again"}
          </Button>
        )
      }
    >
      {!list && models.error.value && <Failure error={models.error.value} what="the models" retry={models.reload} />}
      {!list && !models.error.value && <Loading what="models" />}
      {list && (
        <>
          {models.error.value && <Notice error={models.error.value} what="Not refreshed." />}
          <search class="models-head">
            <input
              type="search"
              aria-label="Search models"
              placeholder="Search models  ( / )"
              value={search}
              onInput={(event) => setQuery({ q: event.currentTarget.value || null })}
            />
            <p class="muted">
              {count(list.models.filter((model) => model.is_live).length)} listed by the provider{" "}
              <Moment at={list.fetched_at} />, {count(list.models.filter((model) => !model.is_live).length)} more known
              of its vendor.{" "}
              {sources.length > 0
                ? `Prices: ${sources.join("; ")}.`
                : "No price is known, so costs are unknown; the configuration can give prices."}
            </p>
          </search>
          <TableFrame label="Models">
            <table class="table cards models-table">
              <thead>
                <tr>
                  <th scope="col">Model</th>
                  <th scope="col">State</th>
                  <th scope="col" class="right">
                    Context<span class="unit">tokens</span>
                  </th>
                  <th scope="col" class="right">
                    Answer<span class="unit">tokens at most</span>
                  </th>
                  <th scope="col" class="right">
                    Input<span class="unit">$ / M tokens</span>
                  </th>
                  <th scope="col" class="right">
                    Cached input<span class="unit">$ / M tokens</span>
                  </th>
                  <th scope="col" class="right">
                    Output<span class="unit">$ / M tokens</span>
                  </th>
                  <th scope="col">
                    Price<span class="unit">as of</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {found.slice(0, MOST_ROWS).map((model) => (
                  <ModelRow key={model.id} model={model} />
                ))}
                {found.length === 0 && (
                  <tr>
                    <td colSpan={8} class="muted whole">
                      {search ? "No model matches." : "The provider lists no models."}
                    </td>
                  </tr>
                )}
              </tbody>
            </table>
          </TableFrame>
          {found.length > MOST_ROWS && (
            <p class="panel-note muted">
              {MOST_ROWS} of {count(found.length)} are shown; search for the others.
            </p>
          )}
        </>
      )}
    </Panel>
  );
}

function ModelRow({ model }: { model: ProviderModel }) {
  const { can } = abilities(model.capabilities);
  const { price } = model;
  const further = price ? furtherPrices(price) : [];
  return (
    <tr>
      <th scope="row" class="whole model-name">
        <code>{model.id}</code>
      </th>
      <td data-label="State">
        {model.is_live ? (
          <Badge tone="ok" icon="check" word="listed" title={can.join(", ") || undefined} />
        ) : (
          <Badge tone="quiet" icon="minus" word="known" title="The provider does not list it" />
        )}{" "}
        {model.is_deprecated && <Badge tone="warn" icon="alert" word="deprecated" />}
      </td>
      <td data-label="Context" class="right number">
        {tokens(model.capabilities.context_length)}
      </td>
      <td data-label="Answer" class="right number">
        {tokens(model.capabilities.max_output_tokens)}
      </td>
      <td data-label="Input" class="right number">
        {perMillion(price?.input)}
      </td>
      <td data-label="Cached input" class="right number">
        {perMillion(price?.cache_read)}
      </td>
      <td data-label="Output" class="right number">
        {perMillion(price?.output)}
      </td>
      <td data-label="Price as of" class="muted" title={price ? [price.source, ...further].join("\n") : undefined}>
        {price ? asOf(price) : MISSING}
        {further.length > 0 && " *"}
      </td>
    </tr>
  );
}
