import { useState } from "preact/hooks";
import type { BenchmarkSpec } from "../../api/types";
import { CopyButton } from "../../ui/CopyButton";
import { Choice } from "../../ui/Field";
import { Panel } from "../../ui/Panel";
import { asCli, asCurl, asGraphql } from "./commands";
import { shortened } from "./shortened";

const FORMS = [
  { value: "curl", label: "curl" },
  { value: "cli", label: "CLI" },
  { value: "graphql", label: "GraphQL" },
  { value: "json", label: "JSON" },
];

/** The same benchmark for a shell or a script, changing as the form does. */
export function Preview({ spec }: { spec: BenchmarkSpec }) {
  const [form, setForm] = useState("curl");
  // Written out whole only for the clipboard: a list out of a file may be of megabytes.
  const { spec: shown, isShort } = shortened(spec);
  const cli = asCli(spec, location.origin, shown);
  const write = (what: unknown) => {
    if (form === "curl") return asCurl(what, location.origin);
    if (form === "graphql") return asGraphql(what, location.origin);
    return form === "cli" ? asCli(spec, location.origin, what).command : JSON.stringify(what, null, 2);
  };
  const text = write(shown);
  return (
    <Panel
      title="The same as"
      aside={<CopyButton kind="quiet" text={text} whole={() => write(spec)} what="the whole of it" />}
    >
      <Choice legend="Form" value={form} onInput={setForm} options={FORMS} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard has to reach it */}
      <pre class="preview" tabIndex={0}>
        {text}
      </pre>
      {isShort && (form !== "cli" || cli.missing.length > 0) && (
        <p class="muted">Long lists are cut here; “Copy” takes all of them.</p>
      )}
      {form === "cli" && cli.missing.length > 0 && (
        <p class="muted">The spec is given whole, because no option says {cli.missing.join(", ")}.</p>
      )}
      {form !== "json" && (
        <p class="muted">
          <code>LLM_TEST_BENCH_API_KEY</code> holds an API key, made by <code>llm-test-bench auth generate-key</code>.
        </p>
      )}
    </Panel>
  );
}
