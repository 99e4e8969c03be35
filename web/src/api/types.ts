/**
 * The service's data as the dashboard reads it, written by hand after the REST contract.
 *
 * This is the only file with such types: once `openapi.json` is committed, `npm run api` makes `schema.d.ts` and the
 * names below become aliases of its `components["schemas"]`. Nothing else changes.
 */

export type Status = "pending" | "running" | "cancelling" | "completed" | "failed" | "cancelled";

export type Permission =
  | "benchmark.create"
  | "benchmark.read"
  | "benchmark.cancel"
  | "benchmark.delete"
  | "results.read"
  | "results.export"
  | "provider.read"
  | "provider.manage"
  | "provider.test"
  | "metrics.read"
  | "account.self"
  | "user.manage";

export interface User {
  id: string;
  username: string;
  role: string;
  permissions: Permission[];
}

export interface Login {
  access_token: string;
  token_type: string;
  expires_in: number;
  refresh_token: string;
  user: User;
}

export interface Page<Item> {
  items: Item[];
  next_cursor: string | null;
}

export interface Target {
  provider: string;
  model: string;
}

export type Workload =
  | { kind: "prompt"; prompt: string }
  | { kind: "list"; prompts: string[] }
  | { kind: "synthetic"; input_tokens: number; output_tokens: number };

export type Load =
  | { kind: "closed"; concurrency: number }
  | { kind: "constant" | "poisson"; rate: number; max_in_flight?: number };

export interface Stop {
  requests?: number | null;
  duration_seconds?: number | null;
}

export interface Slo {
  ttft_ms?: number | null;
  tpot_ms?: number | null;
  e2e_ms?: number | null;
}

export interface Sampling {
  stream?: boolean;
  system?: string | null;
  max_tokens?: number | null;
  temperature?: number | null;
  top_p?: number | null;
  stop?: string[] | null;
  seed?: number | null;
  extra?: Record<string, unknown>;
}

export interface Retry {
  max_attempts?: number;
  base_delay_ms?: number;
  max_delay_ms?: number;
}

export interface Timeouts {
  connect_seconds?: number;
  first_token_seconds?: number;
  between_chunks_seconds?: number;
  total_seconds?: number;
}

export interface BenchmarkSpec {
  name: string;
  tags?: string[];
  targets: Target[];
  workload: Workload;
  load: Load;
  stop: Stop;
  slo?: Slo;
  sampling?: Sampling;
  retry?: Retry;
  timeouts?: Timeouts;
  seed?: number;
  workers?: number;
  save_responses?: boolean;
  save_gaps?: boolean;
}

export interface Percentiles {
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** The columns of a timeline besides `t_s`, in the order in which they are kept. */
export const TIMELINE_COLUMNS = [
  "ttft_p50_ms",
  "ttft_p95_ms",
  "ttft_p99_ms",
  "gap_p50_ms",
  "gap_p95_ms",
  "gap_p99_ms",
  "output_tokens_per_s",
  "requests_per_s",
  "chunks_per_s",
  "errors_per_s",
  "in_flight",
] as const;

export type TimelineColumn = (typeof TIMELINE_COLUMNS)[number];

export type TimelinePoint = { t_s: number } & Partial<Record<TimelineColumn, number | null>>;

export type Timeline = { t_s: number[] } & Partial<Record<TimelineColumn, (number | null)[]>>;

export interface Progress {
  status: Status;
  planned: number | null;
  started: number;
  completed: number;
  ok: number;
  failed: number;
  in_flight: number;
  waiting: number;
  elapsed_s: number;
  eta_s: number | null;
  percent: number | null;
  requests_per_s: number | null;
  output_tokens_per_s: number | null;
  chunks_per_s: number | null;
  ttft_ms: Percentiles | null;
  gap_ms: Percentiles | null;
  tpot_ms: { p50: number | null } | null;
  error_rate: number | null;
  cost_usd: number | null;
  errors: Record<string, number>;
  point: TimelinePoint | null;
  target_index: number;
}

export interface Headline {
  requests: number;
  error_rate: number | null;
  ttft_p50_ms: number | null;
  ttft_p95_ms: number | null;
  tpot_p50_ms: number | null;
  output_tokens_per_s: number | null;
  cost_usd: number | null;
}

export interface MetricSummary {
  n: number;
  min: number | null;
  max: number | null;
  mean: number | null;
  stdev: number | null;
  p50: number | null;
  p75: number | null;
  p90: number | null;
  p95: number | null;
  p99: number | null;
  "p99.9": number | null;
}

export type Verdict = "trusted" | "suspect" | "client_bound";

export interface Lag {
  p50: number | null;
  p99: number | null;
  max: number | null;
}

export interface Instrument {
  clock: string | null;
  loop_lag_ms: Lag | null;
  send_lag_ms: Lag | null;
  coalesced_share: number | null;
  cpu_share: number | null;
  clock_steps: number;
  verdict: Verdict;
  reason: string | null;
}

export interface TargetSummary {
  duration_seconds: number;
  requests: { total: number; ok: number; failed: number; by_error_type: Record<string, number> };
  tokens: { input: number | null; output: number | null; reasoning: number | null; source: string | null };
  rates: {
    requests_per_s: number | null;
    output_tokens_per_s: number | null;
    total_tokens_per_s: number | null;
    goodput_requests_per_s: number | null;
    good_share: number | null;
  };
  cost_usd: number | null;
  metrics: Record<string, MetricSummary | null>;
  instrument?: Instrument | null;
}

export interface Summary extends TargetSummary {
  by_target?: (Target & TargetSummary)[];
}

interface BenchmarkCommon {
  id: string;
  name: string;
  status: Status;
  tags: string[];
  owner: { id: string; username: string } | null;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
  error: string | null;
  progress: Progress | null;
}

export interface Benchmark extends BenchmarkCommon {
  spec: BenchmarkSpec;
  summary: Summary | null;
}

export interface BenchmarkListItem extends BenchmarkCommon {
  targets: Target[];
  load: Load;
  stop: Stop;
  headline: Headline | null;
}

export interface Provider {
  id: string;
  name: string;
  kind: string;
  base_url: string;
  has_api_key: boolean;
  default_model: string | null;
  options: { headers?: Record<string, string>; verify_tls?: boolean };
  is_enabled: boolean;
  created_at?: string;
  updated_at?: string;
}

/** What is sent to make or change a provider; the key is write-only. */
export interface ProviderInput {
  name: string;
  kind: string;
  base_url?: string;
  api_key?: string;
  default_model: string | null;
  options: { headers?: Record<string, string>; verify_tls?: boolean };
  is_enabled: boolean;
}

export interface ProviderHealth {
  status: "ok" | "unreachable" | "unauthorized" | "error";
  latency_ms: number | null;
  message: string | null;
  checked_at: string;
}

export interface ProviderModels {
  models: { id: string }[];
  fetched_at: string | null;
}
