import { describe, expect, it } from "vitest";
import type { BenchmarkSpec } from "../../api/types";
import { asCli, asCurl, quote } from "./commands";

const SPEC: BenchmarkSpec = {
  name: "it's",
  targets: [{ provider: "demo", model: "m" }],
  workload: { kind: "synthetic", input_tokens: 512, output_tokens: 128 },
  load: { kind: "poisson", rate: 2.5 },
  stop: { duration_seconds: 60 },
};

describe("commands", () => {
  it("quotes words for a shell", () => {
    expect(quote("http://127.0.0.1:8080/v1")).toBe("http://127.0.0.1:8080/v1");
    expect(quote("two words")).toBe("'two words'");
    expect(quote("it's $HOME")).toBe("'it'\\''s $HOME'");
    expect(quote("")).toBe("''");
  });

  it("puts the spec into curl", () => {
    const text = asCurl(SPEC, "http://h:1");
    expect(text).toContain("-X POST http://h:1/api/v1/benchmarks");
    expect(text).toContain('"name": "it\'\\\'\'s"');
    expect(text).toContain("$LLM_TEST_BENCH_API_KEY");
  });

  it("gives the command line the same run", () => {
    const { command, missing } = asCli(SPEC, "http://h:1");
    expect(command.split(/ \\\n {2}/)).toEqual([
      "llm-test-bench bench",
      "--server http://h:1",
      "--provider demo",
      "--model m",
      "--name 'it'\\''s'",
      "--rate 2.5",
      "--arrival poisson",
      "--duration 60",
      "--input-tokens 512",
      "--output-tokens 128",
    ]);
    expect(missing).toEqual([]);
  });

  it("says what the command line cannot express", () => {
    const { command, missing } = asCli(
      {
        ...SPEC,
        slo: { ttft_ms: 5 },
        tags: ["a", "b"],
        timeouts: { total_seconds: 5, connect_seconds: 1 },
        save_gaps: false,
      },
      "http://h:1",
    );
    expect(command).toContain("--tag a");
    expect(command).toContain("--tag b");
    expect(command).toContain("--slo-ttft-ms 5");
    expect(missing).toEqual(["all timeouts but the whole request's", "dropping the chunk gaps"]);
  });
});
