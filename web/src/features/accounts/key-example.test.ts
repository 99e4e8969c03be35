import { expect, it } from "vitest";
import { curlExample } from "./key-example";

it("asks for what the key may see", () => {
  const text = curlExample("ltb_a_b", ["metrics.read", "admin.audit"], "http://127.0.0.1:8080");
  expect(text).toContain("export LLM_TEST_BENCH_API_KEY='ltb_a_b'\n");
  expect(text).toContain('curl -s "http://127.0.0.1:8080/api/v1/metrics" -H "Authorization: Bearer $');
  expect(curlExample("k", ["benchmark.delete"], "http://x")).toContain("/api/v1/health");
});
