import { useState } from "preact/hooks";
import type { BenchmarkSpec } from "../../api/types";
import { Button } from "../../ui/Button";
import { Choice } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import { asCli, asCurl } from "./commands";

const FORMS = [
  { value: "curl", label: "curl" },
  { value: "cli", label: "CLI" },
  { value: "json", label: "JSON" },
];

/** The same benchmark for a shell or a script, changing as the form does. */
export function Preview({ spec }: { spec: BenchmarkSpec }) {
  const [form, setForm] = useState("curl");
  const [copied, setCopied] = useState("");
  const cli = asCli(spec, location.origin);
  const text =
    form === "curl" ? asCurl(spec, location.origin) : form === "cli" ? cli.command : JSON.stringify(spec, null, 2);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(text),
      () => setCopied(""),
    );
  };
  return (
    <Panel
      title="The same as"
      aside={
        <Button kind="quiet" icon={copied === text ? "check" : "copy"} onClick={copy}>
          {copied === text ? "Copied" : "Copy"}
        </Button>
      }
    >
      <Choice legend="Form" value={form} onInput={setForm} options={FORMS} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
      <pre class="preview" tabIndex={0}>
        {text}
      </pre>
      {form === "cli" && cli.missing.length > 0 && (
        <p class="muted">Left out, there being no option: {cli.missing.join(", ")}.</p>
      )}
      {form !== "json" && (
        <p class="muted">
          <code>LLM_TEST_BENCH_API_KEY</code> holds an API key, made by <code>llm-test-bench auth generate-key</code>.
        </p>
      )}
    </Panel>
  );
}
