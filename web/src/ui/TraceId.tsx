import { CopyButton } from "./CopyButton";
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
  return (
    <span class="trace-id">
      <code>{id}</code>
      <CopyButton kind="quiet" text={id} what={`the ${what}`} />
      {url && (
        <a href={url} target="_blank" rel="noopener noreferrer">
          Open trace
        </a>
      )}
    </span>
  );
}
