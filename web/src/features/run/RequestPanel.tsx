/** One request beside its run: its waterfall, and what was asked and answered. `esc` closes, `j` and `k` move on. */

import { useEffect, useRef, useState } from "preact/hooks";
import { getRequest } from "../../api/endpoints";
import type { RequestDetail } from "../../api/types";
import { listen } from "../../app/keyboard";
import { navigate } from "../../app/router";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { count, dollars, duration, MISSING, NOT_APPLICABLE } from "../../ui/numbers";
import { Failure, Loading } from "../../ui/states";
import { useFocusBack } from "../../ui/useFocusBack";
import { useLoad } from "../../ui/useLoad";
import { requestHref, runHref } from "./request-address";
import { WaterfallView } from "./WaterfallView";
import "./request.css";
import { RequestTab, TABS, type Tab } from "./RequestTab";

export function RequestPanel({ run, index }: { run: string; index: number }) {
  const { data, error, loading, reload } = useLoad(`${run} ${index}`, (signal) => getRequest(run, index, signal));
  const [tab, setTab] = useState<Tab>("prompt");
  const panel = useRef<HTMLElement>(null);
  const found = data.value?.index === index ? data.value : null;
  // Before a request has come its neighbours are not known but for the one that was left: keys may be pressed fast.
  const left = data.value?.index ?? index;
  const next = found ? found.next_index : left > index ? left : null;
  const previous = found ? found.previous_index : left < index ? left : null;
  const go = (to: number | null | undefined) => to != null && navigate(requestHref(run, to), "replace");
  const close = () => navigate(runHref(run));

  useFocusBack();
  useEffect(() => panel.current?.focus(), []);
  useEffect(
    () =>
      listen([
        { key: "Escape", what: "Close the request", run: close },
        { key: "j", what: "Next request", run: () => go(next) },
        { key: "k", what: "Previous request", run: () => go(previous) },
      ]),
    [next, previous, run],
  );

  return (
    <section ref={panel} class="request" role="dialog" aria-label={`Request ${index}`} tabIndex={-1}>
      <header class="request-head">
        <h2>
          Request <span class="number"># {count(index)}</span>
        </h2>
        {found && <Outcome request={found} />}
        <span class="request-moves">
          <Button
            kind="quiet"
            disabled={found?.previous_index == null}
            title="Previous (k)"
            onClick={() => go(found?.previous_index)}
          >
            ‹ Previous
          </Button>
          <Button
            kind="quiet"
            disabled={found?.next_index == null}
            title="Next (j)"
            onClick={() => go(found?.next_index)}
          >
            Next ›
          </Button>
          <Button kind="quiet" icon="cross" title="Close (esc)" onClick={close}>
            Close
          </Button>
        </span>
      </header>
      {error.value && !found ? (
        <Failure error={error.value} what="the request" retry={reload} />
      ) : !found ? (
        loading.value && <Loading what="the request" />
      ) : (
        <div class="request-body">
          <Facts request={found} />
          <WaterfallView request={found} />
          <div class="tabs" role="tablist" aria-label="Parts of the request">
            {TABS.map((name) => (
              <button
                key={name}
                type="button"
                role="tab"
                id={`tab-${name}`}
                aria-selected={tab === name}
                aria-controls="request-tab"
                tabIndex={tab === name ? 0 : -1}
                onClick={() => setTab(name)}
                onKeyDown={(event) => {
                  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
                  if (!step) return;
                  const next = TABS[(TABS.indexOf(name) + step + TABS.length) % TABS.length] ?? name;
                  setTab(next);
                  document.getElementById(`tab-${next}`)?.focus();
                }}
              >
                {name}
              </button>
            ))}
          </div>
          <div id="request-tab" role="tabpanel" aria-labelledby={`tab-${tab}`} class="request-tab">
            <RequestTab tab={tab} request={found} run={run} />
          </div>
        </div>
      )}
    </section>
  );
}

function Outcome({ request }: { request: RequestDetail }) {
  if (request.status === "ok") return <Badge tone="ok" icon="check" word="ok" />;
  return <Badge tone="bad" icon="cross" word={request.error_type ?? "failed"} />;
}

function Facts({ request }: { request: RequestDetail }) {
  const facts: [string, string][] = [
    ["TTFT", duration(request.ttft_ms)],
    ["TPOT", request.tpot_ms === null && (request.output_tokens ?? 0) < 2 ? NOT_APPLICABLE : duration(request.tpot_ms)],
    ["end to end", duration(request.e2e_ms)],
    ["input", request.input_tokens === null ? MISSING : `${count(request.input_tokens)} tok`],
    ["output", request.output_tokens === null ? MISSING : `${count(request.output_tokens)} tok`],
    ["cost", dollars(request.cost_usd)],
    ["tries", count(request.attempts)],
    ["stamps", request.clock || MISSING],
  ];
  return (
    <dl class="request-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="number">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
