import { getRequestBody } from "../../api/endpoints";
import { CopyButton } from "../../ui/CopyButton";
import { Loading, sentence } from "../../ui/states";
import { useLoad } from "../../ui/useLoad";
import { asCurl, variablesOf } from "./curl";
import "./request.css";
import { Nothing } from "./RequestParts";

/** What was sent, made again by the service when it is asked for. */
export function RequestPrompt({ run, index }: { run: string; index: number }) {
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
          <CopyButton text={text} what={body.body === null ? "the turn" : "the body"} label="Copy body" />
          {curl !== null && <CopyButton text={curl} what="the command" label="Copy as curl" />}
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

function indented(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
