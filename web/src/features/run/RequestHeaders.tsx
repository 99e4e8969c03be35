import type { RequestDetail } from "../../api/types";
import { CopyButton } from "../../ui/CopyButton";
import { TraceId } from "../../ui/TraceId";
import "./request.css";
import { Copied, FactTable, Nothing } from "./RequestParts";

/** What the response said beside its body, and where it is in a trace. */
export function RequestHeaders({ request }: { request: RequestDetail }) {
  const { rate_limits: limits, server_timings_ms: timings } = request.metadata;
  const headers = request.response_headers ? Object.entries(request.response_headers) : null;
  return (
    <>
      <FactTable
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
              what="the headers"
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
      {limits != null && <Copied text={JSON.stringify({ rate_limits: limits }, null, 2)} what="the rate limits" />}
      {timings != null && <Copied text={JSON.stringify({ server_timings_ms: timings }, null, 2)} what="the timings" />}
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
