import type { Summary } from "../../api/summary";
import { Panel } from "../../ui/Panel";
import { sentence } from "../../ui/states";

const TOOLS: Record<string, string> = { vllm: "vLLM bench", aiperf: "AIPerf", guidellm: "GuideLLM" };

/** Of an imported run: which tool measured it, and what that tool did not write down. */
export function SourcePanel({ summary }: { summary: Summary }) {
  const { source } = summary;
  if (!source) return null;
  const missing = Object.entries(summary.not_recorded ?? {});
  return (
    <Panel title="Imported">
      <p>
        Measured by {TOOLS[source.tool] ?? source.tool}
        {source.version ? ` ${source.version}` : ""}, not by this service: its instrument's error is not known.
      </p>
      <dl class="facts source-facts">
        {missing.map(([measure, reason]) => (
          <div key={measure}>
            <dt>
              <code>{measure}</code>
            </dt>
            <dd>Not recorded: {sentence(reason)}</dd>
          </div>
        ))}
        {source.file_sha256 && (
          <div>
            <dt>SHA-256 of the file</dt>
            <dd>
              <code class="source-hash">{source.file_sha256}</code>
            </dd>
          </div>
        )}
      </dl>
    </Panel>
  );
}
