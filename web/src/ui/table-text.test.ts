// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { textOfTable } from "./table-text";

describe("a table as text", () => {
  it("repeats what spans rows and columns, and keeps parts of a cell apart", () => {
    document.body.innerHTML = `<table>
      <thead><tr><th>Metric</th><th>Of</th><th colspan="2">values</th></tr></thead>
      <tbody>
        <tr><th rowspan="2">TTFT <code>ttft</code></th><td>run</td><td><span>1</span><span>0–2</span></td><td>3</td></tr>
        <tr><td>steady</td><td>4</td><td></td></tr>
      </tbody></table>`;
    const table = document.querySelector("table");
    expect(table && textOfTable(table)).toEqual([
      ["Metric", "Of", "values", "values"],
      ["TTFT ttft", "run", "1 0–2", "3"],
      ["TTFT ttft", "steady", "4", ""],
    ]);
  });
});
