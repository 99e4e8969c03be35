import type { BenchmarkListItem } from "../../api/types";
import { navigate } from "../../app/router";
import { StatusBadge } from "../../ui/Badge";
import { describeLoad, describeStop, describeTarget, describeTargets } from "../../ui/describe";
import { alignDecimals, count, dollars, durationScale, inScale, MISSING, percent, significant } from "../../ui/numbers";
import { exact, relative } from "../../ui/times";
import { useNow } from "../../ui/useNow";
import { headlineOf } from "./rows";
import "../../ui/table.css";

export function BenchmarkTable({ rows }: { rows: readonly BenchmarkListItem[] }) {
  const now = useNow(5000);
  const headlines = rows.map(headlineOf);
  const ttftScale = durationScale(headlines.flatMap((line) => [line?.ttft_p50_ms, line?.ttft_p95_ms]));
  const tpotScale = durationScale(headlines.map((line) => line?.tpot_p50_ms));
  const columns = {
    ttft50: alignDecimals(headlines.map((line) => inScale(line?.ttft_p50_ms, ttftScale))),
    ttft95: alignDecimals(headlines.map((line) => inScale(line?.ttft_p95_ms, ttftScale))),
    tpot: alignDecimals(headlines.map((line) => inScale(line?.tpot_p50_ms, tpotScale))),
    tokens: alignDecimals(headlines.map((line) => significant(line?.output_tokens_per_s))),
  };

  return (
    <div class="table-frame">
      <table class="table cards benchmark-table">
        <thead>
          <tr>
            <th scope="col">Status</th>
            <th scope="col">Name</th>
            <th scope="col">Target</th>
            <th scope="col">Load</th>
            <th scope="col" class="right">
              Requests
            </th>
            <th scope="col" class="right">
              TTFT p50 <span class="unit">{ttftScale.unit}</span>
            </th>
            <th scope="col" class="right">
              TTFT p95 <span class="unit">{ttftScale.unit}</span>
            </th>
            <th scope="col" class="right">
              TPOT p50 <span class="unit">{tpotScale.unit}</span>
            </th>
            <th scope="col" class="right">
              Output <span class="unit">tok/s</span>
            </th>
            <th scope="col" class="right">
              Errors
            </th>
            <th scope="col" class="right">
              Cost
            </th>
            <th scope="col" class="right">
              When
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => {
            const line = headlines[index];
            const href = `/benchmarks/${row.id}`;
            const planned = row.progress?.planned ?? row.stop.requests ?? null;
            return (
              <tr
                key={row.id}
                class="row-link"
                onClick={(event) => {
                  const isText = getSelection()?.type === "Range";
                  if (!isText && !(event.target instanceof Element && event.target.closest("a"))) navigate(href);
                }}
              >
                <td class="cell-status">
                  <StatusBadge status={row.status} title={row.error ?? undefined} />
                  {row.status === "running" && row.progress?.percent != null && (
                    <span class="number muted"> {Math.floor(row.progress.percent)} %</span>
                  )}
                </td>
                <th scope="row" class="cell-name">
                  <a href={href}>{row.name}</a>
                  {row.tags.map((tag) => (
                    <span key={tag} class="tag">
                      {tag}
                    </span>
                  ))}
                </th>
                <td class="cell-target whole" title={row.targets.map(describeTarget).join("\n")}>
                  {describeTargets(row.targets)}
                </td>
                <td
                  class="cell-load"
                  data-label="Load"
                  title={`${describeLoad(row.load)}; stops after ${describeStop(row.stop) || "its own end"}`}
                >
                  {describeLoad(row.load)}
                </td>
                <td class="right number" data-label="Requests">
                  {count(line?.requests)}
                  {row.status === "running" && planned !== null && <span class="of"> / {count(planned)}</span>}
                </td>
                <td class="right number" data-label={`TTFT p50, ${ttftScale.unit}`}>
                  {columns.ttft50[index]}
                </td>
                <td class="right number" data-label={`TTFT p95, ${ttftScale.unit}`}>
                  {columns.ttft95[index]}
                </td>
                <td class="right number" data-label={`TPOT p50, ${tpotScale.unit}`}>
                  {columns.tpot[index]}
                </td>
                <td class="right number" data-label="Output, tok/s">
                  {columns.tokens[index]}
                </td>
                <td class={`right number${line?.error_rate ? " has-errors" : ""}`} data-label="Errors">
                  {percent(line?.error_rate)}
                </td>
                <td class="right number" data-label="Cost">
                  {line ? dollars(line.cost_usd) : MISSING}
                </td>
                <td class="right muted" data-label="When" title={exact(row.created_at)}>
                  <time dateTime={row.created_at}>{relative(row.created_at, now)}</time>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
