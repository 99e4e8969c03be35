import type { Figures, WindowedFigures } from "../../api/summary";
import type { BenchmarkSpec } from "../../api/types";
import { count, dollars, duration, MISSING, NOT_APPLICABLE, percent, significant } from "../../ui/numbers";
import { Panel } from "../../ui/Panel";
import { TableFrame } from "../../ui/TableFrame";

interface Line {
  name: string;
  title?: string;
  value: (figures: Figures) => string;
}

function perSecond(value: number | null | undefined, unit: string): string {
  return value == null ? MISSING : `${significant(value)} ${unit}`;
}

/** Counts and rates of the whole run, with the steady window's beside them. */
export function TotalsPanel({ figures, spec }: { figures: WindowedFigures; spec: BenchmarkSpec }) {
  const columns = figures.steady ? [figures, figures.steady] : [figures];
  return (
    <Panel title="Totals" flush>
      <TableFrame label="Totals" tools>
        <table class="table totals">
          <thead class={columns.length > 1 ? undefined : "visually-hidden"}>
            <tr>
              <th scope="col">Figure</th>
              <th scope="col" class="right">
                Whole run
              </th>
              {columns.length > 1 && (
                <th scope="col" class="right">
                  Steady window
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {linesOf(figures, spec).map(({ name, title, value }) => (
              <tr key={name} title={title}>
                <th scope="row">{name}</th>
                {columns.map((figures, index) => (
                  <td key={index} class="right number">
                    {value(figures)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </TableFrame>
    </Panel>
  );
}

function linesOf(whole: Figures, spec: BenchmarkSpec): Line[] {
  const hasSlo = Object.values(spec.slo ?? {}).some((limit) => limit != null);
  const source = whole.tokens.source ? ` (${whole.tokens.source})` : "";
  const lines: Line[] = [
    { name: "Duration", value: (figures) => duration(figures.duration_seconds * 1000) },
    { name: "Requests ok", value: ({ requests }) => count(requests.ok) },
    { name: "Requests failed", value: ({ requests }) => count(requests.failed) },
    { name: "Requests per second", value: ({ rates }) => perSecond(rates.requests_per_s, "req/s") },
    { name: "Input tokens", value: ({ tokens }) => count(tokens.input) },
    {
      name: `Output tokens${source}`,
      title: "In brackets where the count comes from",
      value: ({ tokens }) => count(tokens.output),
    },
    { name: "Reasoning tokens", value: ({ tokens }) => count(tokens.reasoning) },
    { name: "Output speed", value: ({ rates }) => perSecond(rates.output_tokens_per_s, "tok/s") },
    { name: "Input and output", value: ({ rates }) => perSecond(rates.total_tokens_per_s, "tok/s") },
    {
      name: "One user, median",
      title: "Output tokens per second as one user gets them",
      value: ({ rates }) => perSecond(rates.user_output_tokens_per_s?.p50, "tok/s"),
    },
    {
      name: "One user, slowest 5 %",
      title: "The slowest twentieth of users get at most this many output tokens per second",
      value: ({ rates }) => perSecond(rates.user_output_tokens_per_s?.p5, "tok/s"),
    },
    {
      name: "Goodput",
      title: hasSlo ? "Requests per second that met every SLO limit" : "The run has no SLO limits",
      value: ({ rates }) => (hasSlo ? perSecond(rates.goodput_requests_per_s, "req/s") : NOT_APPLICABLE),
    },
    {
      name: "Good output",
      title: "Output tokens per second of requests that met every SLO limit",
      value: ({ rates }) => (hasSlo ? perSecond(rates.goodput_output_tokens_per_s, "tok/s") : NOT_APPLICABLE),
    },
    { name: "Good requests", value: ({ rates }) => (hasSlo ? percent(rates.good_share) : NOT_APPLICABLE) },
    { name: "Cost", value: (figures) => dollars(figures.cost_usd) },
  ];
  return lines;
}
