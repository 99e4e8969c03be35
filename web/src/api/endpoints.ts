/** One function per operation that the dashboard uses. */

import { type CallOptions, call, download } from "./client";
import type {
  Benchmark,
  BenchmarkListItem,
  BenchmarkSpec,
  BulkAnswer,
  BulkChanges,
  Comparison,
  Distributions,
  ErrorTimeline,
  Heatmap,
  Matching,
  Page,
  PointField,
  Points,
  Preset,
  Provider,
  ProviderChanges,
  ProviderChecks,
  ProviderHealth,
  ProviderInput,
  ProviderKind,
  ProviderModels,
  ProviderPage,
  RequestBody,
  RequestDetail,
  ResultItem,
  SignInMethods,
  SpecValidation,
  Timeline,
  User,
} from "./types";

type Signal = CallOptions["signal"];

const at = encodeURIComponent;

export const getMe = (signal?: Signal) => call<User>("GET", "/auth/me", { signal });

export const getSignInMethods = (signal?: Signal) => call<SignInMethods>("GET", "/auth/methods", { signal });

/** What a listing is narrowed to; the names of the API. */
export interface BenchmarkFilters {
  status?: string | readonly string[];
  q?: string;
  owner?: string;
  tag?: readonly string[];
  provider?: string;
  model?: string;
  load?: readonly string[];
  verdict?: readonly string[];
  created_from?: string;
  created_before?: string;
  min_error_rate?: number;
  max_error_rate?: number;
  id?: readonly string[];
}

export interface BenchmarkQuery extends BenchmarkFilters {
  sort?: string;
  order?: string;
  limit?: number;
  cursor?: string | null;
}

export const listBenchmarks = (query: BenchmarkQuery, signal?: Signal) =>
  call<Page<BenchmarkListItem>>("GET", "/benchmarks", { query: { ...query }, signal });

/** How many benchmarks fit, and the ids of the first `limit` of them. */
export const matchBenchmarks = (query: Omit<BenchmarkQuery, "cursor">, signal?: Signal) =>
  call<Matching>("GET", "/benchmarks/matching", { query: { ...query }, signal });

/** At most 200 at once. */
export const deleteBenchmarks = (ids: readonly string[]) =>
  call<BulkAnswer>("POST", "/benchmarks/bulk/delete", { body: { items: ids.map((id) => ({ id })) } });

/** At most 200 at once. */
export const updateBenchmarks = (ids: readonly string[], changes: BulkChanges) =>
  call<BulkAnswer>("POST", "/benchmarks/bulk/update", { body: { items: ids.map((id) => ({ id })), ...changes } });

/** At most 10,000 at once. */
export const downloadBenchmarks = (ids: readonly string[], format: "csv" | "json" | "jsonl") =>
  download("/benchmarks/bulk/export", `benchmarks.${format}`, { body: { ids, format } });

export const downloadResults = (id: string, format: "csv" | "json" | "jsonl") =>
  download("/results/export", `results-${id}.${format}`, { query: { session_id: id, format } });

export const getBenchmark = (id: string, signal?: Signal) =>
  call<Benchmark>("GET", `/benchmarks/${at(id)}`, { signal });

export const getTimeline = (id: string, signal?: Signal) =>
  call<Timeline>("GET", `/benchmarks/${at(id)}/timeline`, { signal });

export interface ComparisonQuery {
  ids: string;
  baseline?: string | null;
  window?: string;
}

export const compareBenchmarks = (query: ComparisonQuery, signal?: Signal) =>
  call<Comparison>("GET", "/comparisons", { query: { ...query }, signal });

export const downloadComparison = (query: ComparisonQuery) =>
  download("/comparisons/report.html", "comparison.html", { query: { ...query } });

export const downloadReport = (id: string) => download(`/benchmarks/${at(id)}/report.html`, `report-${id}.html`);
/** Which part of a run is looked at: a target and one of its levels; nothing is all of it. */
export interface PartQuery {
  target?: number | null;
  point?: number | null;
}

export const getDistributions = (
  id: string,
  query: PartQuery & { metric: string; from_s?: number | null; to_s?: number | null },
  signal?: Signal,
) => call<Distributions>("GET", `/benchmarks/${at(id)}/distributions`, { query: { ...query }, signal });

export const getHeatmap = (id: string, query: PartQuery & { metric: string }, signal?: Signal) =>
  call<Heatmap>("GET", `/benchmarks/${at(id)}/heatmap`, { query: { ...query }, signal });

export const getErrorTimeline = (id: string, signal?: Signal) =>
  call<ErrorTimeline>("GET", `/benchmarks/${at(id)}/errors`, { signal });

export const listPoints = (
  query: { session_id: string; x: PointField; y: PointField; limit?: number; status?: "ok" | "error" },
  signal?: Signal,
) => call<Points>("GET", "/results/points", { query: { ...query }, signal });

export const listFailed = (sessionId: string, limit: number, signal?: Signal) =>
  call<Page<ResultItem>>("GET", "/results", { query: { session_id: sessionId, status: "error", limit }, signal });

export const getRequest = (id: string, index: number, signal?: Signal) =>
  call<RequestDetail>("GET", `/benchmarks/${at(id)}/requests/${index}`, { signal });

export const getRequestBody = (id: string, index: number, signal?: Signal) =>
  call<RequestBody>("GET", `/benchmarks/${at(id)}/requests/${index}/body`, { signal });

export const createBenchmark = (spec: BenchmarkSpec) => call<{ id: string }>("POST", "/benchmarks", { body: spec });

/** What creating it would say; right or wrong, nothing is stored. */
export const validateBenchmark = (spec: BenchmarkSpec, signal?: Signal) =>
  call<SpecValidation>("POST", "/benchmarks/validate", { body: spec, signal });

export const listPresets = (signal?: Signal) => call<{ presets: Preset[] }>("GET", "/benchmarks/presets", { signal });

export const cancelBenchmark = (id: string) => call<unknown>("POST", `/benchmarks/${at(id)}/cancel`);

export const deleteBenchmark = (id: string) => call<void>("DELETE", `/benchmarks/${at(id)}`);

export const listProviders = (cursor?: string | null, signal?: Signal) =>
  call<Page<Provider>>("GET", "/providers", { query: { limit: 200, cursor }, signal });

/** All providers, and every kind that there is. */
export async function allProviders(signal?: Signal): Promise<{ items: Provider[]; kinds: ProviderKind[] }> {
  const first = await call<ProviderPage>("GET", "/providers", { query: { limit: 200 }, signal });
  const items = [...first.items];
  for (let cursor = first.next_cursor; cursor; ) {
    const page = await listProviders(cursor, signal);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return { items, kinds: first.kinds };
}

export const getProvider = (name: string, signal?: Signal) =>
  call<Provider>("GET", `/providers/${at(name)}`, { signal });

/** Every kind that a provider may be of. */
export const listKinds = async (signal?: Signal) =>
  (await call<ProviderPage>("GET", "/providers", { query: { limit: 1 }, signal })).kinds;

/** How its newest checks went, newest first; nothing is asked of it. */
export const listChecks = (name: string, limit: number, signal?: Signal) =>
  call<ProviderChecks>("GET", `/providers/${at(name)}/health`, { query: { limit }, signal });

export const createProvider = (input: ProviderInput) => call<Provider>("POST", "/providers", { body: input });

export const updateProvider = (name: string, changes: ProviderChanges) =>
  call<Provider>("PATCH", `/providers/${at(name)}`, { body: changes });

export const deleteProvider = (name: string) => call<void>("DELETE", `/providers/${at(name)}`);

/** Free control calls; with `model`, also a completion of a few tokens, which is paid for. */
export const testProvider = (name: string, model?: string) =>
  call<ProviderHealth>("POST", `/providers/${at(name)}/health`, {
    query: model === undefined ? {} : { completion: "true", model },
  });

export const listModels = (name: string, signal?: Signal, refresh = false) =>
  call<ProviderModels>("GET", `/providers/${at(name)}/models`, { query: refresh ? { refresh: "true" } : {}, signal });
