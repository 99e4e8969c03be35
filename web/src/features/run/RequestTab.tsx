import type { RequestDetail } from "../../api/types";
import { sentence } from "../../ui/states";
import "./request.css";
import { RequestHeaders } from "./RequestHeaders";
import { Copied, FactTable, Nothing } from "./RequestParts";
import { RequestPrompt } from "./RequestPrompt";

export const TABS = ["prompt", "response", "usage", "headers", "error", "raw"] as const;
export type Tab = (typeof TABS)[number];

/** One side of a request: what was asked, answered, counted, or went wrong. */
export function RequestTab({ tab, request, run }: { tab: Tab; request: RequestDetail; run: string }) {
  switch (tab) {
    case "prompt":
      return <RequestPrompt key={request.index} run={run} index={request.index} />;
    case "response":
      return request.response_text === null ? (
        <Nothing>The text was not kept. Runs with “save responses” keep it.</Nothing>
      ) : (
        <Copied text={request.response_text} what="the response">
          {request.response_text || "(empty)"}
        </Copied>
      );
    case "usage":
      return (
        <>
          <FactTable
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
            <Copied text={JSON.stringify(request.usage, null, 2)} what="the usage" />
          ) : (
            <Nothing>The provider sent no usage.</Nothing>
          )}
        </>
      );
    case "headers":
      return <RequestHeaders request={request} />;
    case "error":
      return request.status === "ok" ? (
        <Nothing>The request went well{request.attempts > 1 && ` at try ${request.attempts}`}.</Nothing>
      ) : (
        <>
          <FactTable
            rows={{ class: request.error_type, "HTTP status": request.http_status, tries: request.attempts }}
          />
          {request.error && (
            <Copied text={request.error} what="the error">
              {sentence(request.error)}
            </Copied>
          )}
        </>
      );
    case "raw":
      return <Copied text={JSON.stringify(request, null, 2)} what="the record" />;
  }
}
