/** What copying a cell of the list gives: what it shows, with its unit and nothing left out. Pure. */

import type { BenchmarkListItem } from "../../api/types";
import { describeLoad, describeTarget } from "../../ui/describe";
import { count, dollars, inScale, MISSING, percent, significant } from "../../ui/numbers";
import { type Layout, unitOf } from "./cells";
import type { ColumnId } from "./columns";
import { headlineOf } from "./rows";

export function copiedOf(id: ColumnId, row: BenchmarkListItem, layout: Layout): string {
  const line = headlineOf(row);
  const withUnit = (text: string) => (text === MISSING ? text : `${text} ${unitOf(id, layout)}`);
  switch (id) {
    case "name":
      return row.name;
    case "status":
      return row.status;
    case "target":
      return row.targets.map(describeTarget).join("\n");
    case "load":
      return describeLoad(row.load);
    case "requests":
      return count(line?.requests);
    case "ttft_p50":
      return withUnit(inScale(line?.ttft_p50_ms, layout.ttft));
    case "ttft_p95":
      return withUnit(inScale(line?.ttft_p95_ms, layout.ttft));
    case "tpot_p50":
      return withUnit(inScale(line?.tpot_p50_ms, layout.tpot));
    case "output_tokens":
      return withUnit(significant(line?.output_tokens_per_s));
    case "errors":
      return percent(line?.error_rate);
    case "cost":
      return dollars(line?.cost_usd);
    case "verdict":
      return line?.verdict ? line.verdict.replace("_", "-") : MISSING;
    case "owner":
      return row.owner?.username ?? MISSING;
    case "tags":
      return row.tags.join(", ");
    case "created":
      return row.created_at;
  }
}
