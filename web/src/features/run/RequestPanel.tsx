/** One request beside its run: its waterfall, and what was asked and answered. `esc` closes, `j` and `k` move on. */

import { useEffect, useRef, useState } from "preact/hooks";
import { getRequest, getRequestBody } from "../../api/endpoints";
import type { RequestDetail } from "../../api/types";
import { listen } from "../../app/keyboard";
import { navigate } from "../../app/router";
import { Badge } from "../../ui/Badge";
import { Button } from "../../ui/Button";
import { CopyButton } from "../../ui/CopyButton";
import { count, dollars, duration, MISSING, NOT_APPLICABLE } from "../../ui/numbers";
import { Failure, Loading, sentence } from "../../ui/states";
import { TraceId } from "../../ui/TraceId";
import { useLoad } from "../../ui/useLoad";
import { asCurl, variablesOf } from "./curl";
import { requestHref, runHref } from "./request-address";
import { WaterfallView } from "./WaterfallView";
import "./request.css";

const TABS = ["prompt", "response", "usage", "headers", "error", "raw"] as const;
type Tab = (typeof TABS)[number];

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
        <Failure error={error.value} what="request" retry={reload} />
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
            <TabContent tab={tab} request={found} run={run} />
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

function TabContent({ tab, request, run }: { tab: Tab; request: RequestDetail; run: string }) {
  switch (tab) {
    case "prompt":
      return <Prompt key={request.index} run={run} index={request.index} />;
    case "response":
      return request.response_text === null ? (
        <Nothing>The text was not kept. Runs with “save responses” keep it.</Nothing>
      ) : (
        <Copied text={request.response_text} what="The response">
          {request.response_text || "(empty)"}
        </Copied>
      );
    case "usage":
      return (
        <>
          <Table
            rows={{
              "input tokens": request.input_tokens,
              "of them read anew": request.uncached_input_tokens,
              "of them from a cache": request.cache_read_tokens,
              "of them written to a cache": request.cache_write_tokens,
              "output tokens": request.output_tokens,
              "of them reasoning": request.reasoning_tokens,
              "counted by": request.token_count_source,
            }}
          />
          {request.usage ? (
            <Copied text={JSON.stringify(request.usage, null, 2)} what="The usage" />
          ) : (
            <Nothing>The provider sent no usage.</Nothing>
          )}
        </>
      );
    case "headers":
      return <Headers request={request} />;
    case "error":
      return request.status === "ok" ? (
        <Nothing>The request went well{request.attempts > 1 && ` at try ${request.attempts}`}.</Nothing>
      ) : (
        <>
          <Table rows={{ class: request.error_type, "HTTP status": request.http_status, tries: request.attempts }} />
          {request.error && (
            <Copied text={request.error} what="The error">
              {sentence(request.error)}
            </Copied>
          )}
        </>
      );
    case "raw":
      return <Copied text={JSON.stringify(request, null, 2)} what="The record" />;
  }
}

function Prompt({ run, index }: { run: string; index: number }) {
  const { data, error, loading } = useLoad(`${run} ${index}`, (signal) => getRequestBody(run, index, signal));
  const body = data.value;
  if (error.value) return <Nothing>{sentence(error.value.message)}</Nothing>;
  if (!body) return loading.value ? <Loading what="the prompt" /> : null;
  const text = body.body ?? body.turn;
  const curl = asCurl(body);
  const variables = variablesOf(body);
  return (
    <>
      {body.method !== null && (
        <p class="request-line">
          <code>
            {body.method} {body.url ?? "(address not shown: reading providers is not permitted)"}
          </code>
        </p>
      )}
      {text !== null && (
        <div class="request-copies">
          <CopyButton text={text} what={body.body === null ? "The turn" : "The body"} label="Copy body" />
          {curl !== null && <CopyButton text={curl} what="The command" label="Copy as curl" />}
          {curl !== null && variables.length > 0 && (
            <span class="muted request-note">
              needs {variables.map((name) => name.slice(1)).join(", ")} in the environment
            </span>
          )}
        </div>
      )}
      <p class="muted request-note">
        {body.body !== null && "The body as it was sent, made again from the spec and its seed. "}
        {body.note && sentence(body.note)}
      </p>
      {text !== null && <pre>{indented(text)}</pre>}
    </>
  );
}

function Headers({ request }: { request: RequestDetail }) {
  const { rate_limits: limits, server_timings_ms: timings } = request.metadata;
  const headers = request.response_headers ? Object.entries(request.response_headers) : null;
  return (
    <>
      <Table
        rows={{
          "HTTP status": request.http_status,
          "response id": request.response_id,
          "finish reason": request.finish_reason,
          connection: request.connection_reused ? "kept alive" : "new",
        }}
      />
      <TraceFacts request={request} />
      {headers ? (
        <>
          <div class="request-copies">
            <CopyButton
              text={headers.map((pair) => pair.join(": ")).join("\n")}
              what="The headers"
              label="Copy headers"
            />
          </div>
          <dl class="request-headers" aria-label="Response headers">
            {headers.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
          <p class="muted request-note">Values that are a secret read [redacted]; they were never stored.</p>
        </>
      ) : (
        <Nothing>
          {request.http_status === null
            ? "No response came, so there are no headers."
            : "The response headers were not kept. Runs with “save responses” keep them, and others keep those of their first 1,000 failed requests."}
        </Nothing>
      )}
      {limits != null && <Copied text={JSON.stringify({ rate_limits: limits }, null, 2)} what="The rate limits" />}
      {timings != null && <Copied text={JSON.stringify({ server_timings_ms: timings }, null, 2)} what="The timings" />}
    </>
  );
}

/** Where the request is in a trace; its span is there when it was sent to the provider or exported. */
function TraceFacts({ request }: { request: RequestDetail }) {
  const span = request.metadata.span_id;
  if (!request.trace_id) return null;
  return (
    <dl class="facts request-table">
      <div>
        <dt>trace id</dt>
        <dd>
          <TraceId what="trace id" id={request.trace_id} url={request.trace_url} />
        </dd>
      </div>
      {typeof span === "string" && (
        <div>
          <dt>span id</dt>
          <dd>
            <TraceId what="span id" id={span} />
          </dd>
        </div>
      )}
    </dl>
  );
}

function Table({ rows }: { rows: Record<string, string | number | null> }) {
  return (
    <dl class="facts request-table">
      {Object.entries(rows).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class="number">{value === null ? MISSING : typeof value === "number" ? count(value) : value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A text with a button that copies it; what is shown may be laid out otherwise. */
function Copied({ text, what, children }: { text: string; what: string; children?: preact.ComponentChildren }) {
  return (
    <div class="copied">
      <CopyButton text={text} what={what} />
      <pre>{children ?? text}</pre>
    </div>
  );
}

function Nothing({ children }: { children: preact.ComponentChildren }) {
  return <p class="muted request-note">{children}</p>;
}

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
