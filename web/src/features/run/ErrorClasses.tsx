import { count, percent } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { TableFrame } from "../../ui/TableFrame";
import type { RunStore } from "./store";

/** What went wrong with requests, by class; not there while nothing has. */
export function ErrorClasses({ run }: { run: RunStore }) {
  const summary = run.benchmark.value?.summary;
  const errors = summary ? summary.requests.by_error_type : (run.progress.value?.errors ?? {});
  const total = summary ? summary.requests.total : (run.progress.value?.completed ?? 0);
  const classes = Object.entries(errors)
    .filter(([, n]) => n > 0)
    .sort(([, one], [, other]) => other - one);
  if (classes.length === 0) return null;
  return (
    <Panel title="Errors by class" flush>
      <TableFrame label="Errors by class" tools>
        <table class="table">
          <thead>
            <tr>
              <th scope="col">Class</th>
              <th scope="col" class="right">
                Requests
              </th>
              <th scope="col" class="right">
                Share
              </th>
              <th scope="col">What it means</th>
            </tr>
          </thead>
          <tbody>
            {classes.map(([name, n]) => (
              <tr key={name}>
                <th scope="row">
                  <code>{name}</code>
                </th>
                <td class="right number">{count(n)}</td>
                <td class="right number">{percent(total > 0 ? n / total : null)}</td>
                <td class="muted error-meaning">{MEANINGS[name] ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

const MEANINGS: Record<string, string> = {
  dns: "The endpoint's name has no address.",
  connect: "No connection: nothing listens there, or it was refused.",
  tls: "The TLS handshake failed: certificate or protocol.",
  timeout_connect: "No connection within the connect timeout.",
  timeout_first_token: "No output within the first-token timeout.",
  timeout_between_chunks: "The stream went silent for longer than allowed.",
  timeout_total: "The whole request took longer than allowed.",
  http_3xx: "A redirect, which is not followed.",
  http_4xx: "The endpoint refused the request.",
  http_429: "The endpoint's rate limit was met.",
  http_5xx: "The endpoint failed.",
  stream_error: "The endpoint sent an error inside the stream.",
  truncated: "The connection closed before the answer ended.",
  protocol: "The answer was no valid HTTP or not in the expected format.",
  empty: "The answer had no output at all.",
  cancelled: "The run was cancelled while the request was under way.",
};
