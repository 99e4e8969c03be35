import { useState } from "preact/hooks";
import { Button } from "./Button";
import "./trace-id.css";

interface TraceIdProps {
  /** What it is, as in “Copy the trace id”. */
  what: string;
  id: string;
  /** Where it is shown, when the service has been told where. */
  url?: string | null | undefined;
}

/** The id of a trace or a span: to copy, and to open where traces are shown. */
export function TraceId({ what, id, url }: TraceIdProps) {
  const [copied, setCopied] = useState("");
  const copy = () => {
    // Without TLS, browsers have no clipboard but on the machine itself; the text can be selected all the same.
    navigator.clipboard?.writeText(id).then(
      () => setCopied(id),
      () => setCopied(""),
    );
  };
  return (
    <span class="trace-id">
      <code>{id}</code>
      <Button kind="quiet" icon={copied === id ? "check" : "copy"} title={`Copy the ${what}`} onClick={copy}>
        {copied === id ? "Copied" : "Copy"}
      </Button>
      {url && (
        <a href={url} target="_blank" rel="noopener noreferrer">
          Open trace
        </a>
      )}
    </span>
  );
}
