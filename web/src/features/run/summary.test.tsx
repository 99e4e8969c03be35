// @vitest-environment happy-dom
import { render } from "preact";
import { describe, expect, it, vi } from "vitest";
import type { Summary } from "../../api/summary";
import type { BenchmarkSpec } from "../../api/types";
import { finalFigures } from "./big-numbers";
import { CertificatePanel } from "./CertificatePanel";
import { describeWords } from "./ChecksPanel";
import { curves, interactivity, metricOf, pointsByTarget, watched } from "./exploration";
import { metricTable, plainTable } from "./metrics";
import { bandsOf, partsOf } from "./parts";
import { SourcePanel } from "./SourcePanel";
import { SummaryPanels } from "./SummaryPanels";
import { FULL, metric, NULLS, OLD, SEARCHED } from "./summary.fixtures";
import { Warnings } from "./Warnings";
import { bandOf, describeWindow } from "./window";

const SPEC: BenchmarkSpec = {
  name: "n",
  targets: [{ provider: "local", model: "llama" }],
  workload: { kind: "prompt", prompt: "x" },
  load: { kind: "closed", concurrency: 64 },
  stop: { requests: 10 },
  slo: { ttft_ms: 500 },
};

function page(what: preact.ComponentChild): string {
  const root = document.createElement("div");
  render(what, root);
  const text = (root.textContent ?? "").replaceAll("\u00a0", " ");
  render(null, root);
  return text;
}

describe("a summary with everything", () => {
  const text = page(<SummaryPanels summary={FULL} spec={SPEC} />);

  it.each([
    "Steady from 0:08 to 1:02, found by MSER-5: the start burst and the drain are left out.",
    "run",
    "Steady window",
    "needs n ≥ 1,000",
    "slowest 5 %46.0 tok/s",
    "± 17.0 µs",
    "41.0 %, 39.0 %",
    "2, longest 310 µs",
    "14 times",
    "12 starts",
    "0.998 of 1",
    "3, 7 attempts",
    "Made-up text has 0.740 words per token, found out from the server's own usage with 4 short requests.",
    "Every prompt is different from its first word on.",
    "$0.420 of $5.00",
    "openai processing",
    "stable",
  ])("says “%s”", (words) => expect(text).toContain(words));

  it("warns above the numbers", () => expect(page(<Warnings summary={FULL} />)).toContain("Two of 1,602 requests"));
});

describe("an imported run", () => {
  const source = { tool: "guidellm", version: "0.5.1", file_sha256: "ab12" };
  const text = page(<SourcePanel summary={{ ...OLD, source, not_recorded: { icl_ms: "this file has no itls" } }} />);

  it.each([
    "Measured by GuideLLM 0.5.1, not by this service",
    "It did not record:icl_msThis file has no itls.",
    "ab12",
  ])("says “%s”", (words) => expect(text).toContain(words));

  it("claims no zeros for an instrument that is not ours", () => {
    const instrument = { ...FULL.instrument, verdict: "suspect", reason: "imported: unknown", cpu_share: 0 } as const;
    const certificate = page(<CertificatePanel instrument={instrument} isImported />);
    expect(certificate).toContain("Imported: unknown.");
    expect(certificate).not.toContain("CPU of its busiest engine");
  });

  it("says nothing of our own runs", () => expect(page(<SourcePanel summary={OLD} />)).toBe(""));
});

describe("a summary from before most of it", () => {
  const text = page(<SummaryPanels summary={OLD} spec={SPEC} />);

  it.each(["231", "suspect", "The clock was stepped once."])("says “%s”", (words) => expect(text).toContain(words));
  it.each(["teady", "Little", "Garbage", "Server timings", "Checks", "needs n", "undefined", "NaN"])(
    "does not speak of “%s”",
    (words) => expect(text).not.toContain(words),
  );
  it("has no warnings", () => expect(page(<Warnings summary={OLD} />)).toBe(""));
});

describe("a summary of nulls", () => {
  const text = page(<SummaryPanels summary={NULLS} spec={SPEC} />);

  it.each(["No steady window: the run is too short.", "client-bound", "—"])("says “%s”", (words) =>
    expect(text).toContain(words),
  );
  it.each(["null", "undefined", "NaN", "Infinity"])("never writes “%s”", (words) => expect(text).not.toContain(words));
  it("has big numbers without values", () => {
    expect(finalFigures(NULLS).map((figure) => figure.value)).toEqual(["0", "—", "—", "—", "—", "—", "—", "—", "—"]);
  });
});

describe("parts", () => {
  it("are the whole, each of several targets, and each level", () => {
    expect(partsOf(FULL).map(({ label }) => label)).toEqual(["all targets", "local / llama", "local / qwen"]);
    expect(partsOf(SEARCHED).map(({ label }) => label)).toEqual([
      "all levels",
      "1 user",
      "64 users",
      "8 users",
      "22 users",
      "38 users",
    ]);
    expect(partsOf(OLD)).toHaveLength(1);
  });

  it("have windows of their own to shade when the run has none", () => {
    expect(bandsOf(FULL)).toEqual([{ from: 8, to: 61.5 }]);
    const windows = [
      { from_s: 1, to_s: 4 },
      { from_s: null, to_s: null },
      { from_s: 6, to_s: 9 },
    ];
    const points = (SEARCHED.points ?? []).slice(0, 3).map((point, index) => ({ ...point, window: windows[index] }));
    expect(bandsOf({ ...SEARCHED, points })).toEqual([
      { from: 1, to: 4 },
      { from: 6, to: 9 },
    ]);
    expect([bandsOf(OLD), bandsOf(null)]).toEqual([[], []]);
  });
});

describe("metricTable", () => {
  it("writes all rows in one unit, in the order of a request's life", () => {
    const table = metricTable(
      { e2e_ms: metric(2184), ttft_ms: metric(202), ttfo_ms: null, connect_ms: metric(0.18) },
      "started",
    );
    expect(table.scale.unit).toBe("ms");
    expect(table.rows.map(({ key }) => key)).toEqual(["ttft_ms", "e2e_ms", "connect_ms"]);
    expect(table.rows.map(({ cells }) => cells[1]?.text.trim())).toEqual(["202", "2,184", "0.180"]);
  });

  it("counts from the intended start where that makes a difference", () => {
    const metrics = { ttft_ms: metric(200), ttft_from_intended_ms: metric(900), tpot_ms: metric(20) };
    const table = metricTable(metrics, "intended");
    expect(table.rows.map(({ cells }) => cells[1]?.text.trim())).toEqual(["900", "20.0"]);
  });

  it("puts the steady window under the whole run", () => {
    const { rows } = metricTable({ ttft_ms: metric(202), e2e_ms: metric(900) }, "started", { ttft_ms: metric(190) });
    expect(rows.map(({ key, isSteady }) => [key, isSteady])).toEqual([
      ["ttft_ms", false],
      ["ttft_ms", true],
      ["e2e_ms", false],
    ]);
  });

  it("gives intervals of percentiles that there are, and the n that others need", () => {
    const cells = metricTable({ ttft_ms: metric(200, 50) }, "started").rows[0]?.cells ?? [];
    expect(cells[1]).toMatchObject({ interval: "198–202", needs: null });
    expect(cells[5]).toMatchObject({ text: "—", interval: null, needs: "needs n ≥ 100" });
    expect(cells[6]?.needs).toBe("needs n ≥ 1,000");
    expect(cells[0]?.interval).toBeNull();
  });

  it("lists a server's own timings as they come", () => {
    expect(plainTable({ prompt_ms: metric(3), gone_ms: null }).rows.map(({ key }) => key)).toEqual(["prompt_ms"]);
  });
});

describe("the steady window", () => {
  it("is a band only when it has both ends", () => {
    expect(bandOf({ from_s: 1, to_s: 5 })).toEqual({ from: 1, to: 5 });
    expect([bandOf(null), bandOf({ from_s: 1 }), bandOf({ from_s: 5, to_s: 5 })]).toEqual([null, null, null]);
  });

  it("is a sentence", () => {
    expect(describeWindow({ from_s: 0, to_s: 60, method: "given" })).toBe("Steady from 0:00 to 1:00, as given.");
    expect(describeWindow(undefined)).toBeNull();
  });
});

describe("words", () => {
  it("says where words per token come from", () => {
    expect(describeWords({ words_per_token: 0.75, source: "assumed" })).toContain("assumed");
    expect(describeWords({ words_per_token: null, uniqueness: null })).toBeNull();
  });
});

describe("the certificate", () => {
  it("calls each verdict by plain words", () => {
    expect(page(<CertificatePanel instrument={{ verdict: "client_bound" }} />)).toContain("bottleneck");
    expect(page(<CertificatePanel instrument={null} />)).toBe("");
  });
});

describe("an exploration", () => {
  const [points = []] = pointsByTarget(SEARCHED);

  it("orders points by level and says in which order they were measured", () => {
    expect(points.map((point) => point.value)).toEqual([1, 8, 22, 38, 64]);
    expect(points.map((point) => point.point)).toEqual([0, 2, 3, 4, 1]);
  });

  it("draws only points that have both values", () => {
    const [first] = points;
    if (!first) throw new Error("no points");
    const gap = { ...first, value: 2, metrics: {} };
    const [curve] = curves(
      [[first, gap]],
      (point) => point.value,
      (point) => metricOf(point, "ttft_ms")?.p95,
      (value) => `${value} ms`,
    );
    expect(curve?.points).toHaveLength(1);
    expect(curve?.points[0]?.label).toMatch(/^1 user: /);
  });

  it("watches the first criterion, else the SLO", () => {
    expect(watched(SPEC)).toEqual({ metric: "ttft_ms", percentile: "p95", limitMs: 500 });
    const search = { kind: "search", parameter: "concurrency", minimum: 1, maximum: 2 } as const;
    const criteria = (percentile: number) => [{ metric: "tpot_ms", percentile, limit_ms: 40 }] as const;
    expect(watched({ ...SPEC, explore: { ...search, criteria: [...criteria(99)] } })).toEqual({
      metric: "tpot_ms",
      percentile: "p99",
      limitMs: 40,
    });
    // The limit is on a percentile that the summary does not have: the curve shows p95 and no line to hold it against.
    expect(watched({ ...SPEC, explore: { ...search, criteria: [...criteria(97)] } })).toMatchObject({
      percentile: "p95",
      limitMs: null,
    });
  });

  it("takes the speed of a user from the time per token when it must", () => {
    const old = { ...OLD, metrics: { tpot_ms: metric(20) } };
    expect(interactivity(old)).toBe(50);
    expect(interactivity(OLD)).toBeNull();
  });

  it("is shown with its answer, its verdicts and its reasons", async () => {
    vi.stubGlobal("matchMedia", () => ({ addEventListener: () => undefined }));
    const { ExplorationPanel } = await import("./ExplorationPanel");
    const text = page(<ExplorationPanel summary={SEARCHED} spec={SPEC} />);
    for (const words of [
      "22 users meet every limit",
      "not met",
      "undecided",
      "400 requests do not tell it",
      "at most",
    ]) {
      expect(text).toContain(words);
    }
    expect(text).not.toMatch(/NaN|undefined|null/);
    const empty: Summary = { ...SEARCHED, points: [], exploration: null };
    expect(page(<ExplorationPanel summary={empty} spec={SPEC} />)).toBe("");
  });
});
