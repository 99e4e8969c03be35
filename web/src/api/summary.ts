/**
 * What a run found, as far as each version of the service tells it. Written by hand and not taken from `schema.d.ts`:
 * summaries are stored as they were made, so an old one lacks what came later, and a page has to live with either.
 */

export type Maybe<Value> = Value | null | undefined;

/** The lower and upper end of a 95 % confidence interval. */
export type Interval = readonly [low: number, high: number];

export const PERCENTILES = ["p50", "p75", "p90", "p95", "p99", "p99.9"] as const;
export type Percentile = (typeof PERCENTILES)[number];
export type Moment = "min" | "max" | "mean" | "stdev";

/** A distribution, usually in ms. A percentile is null when there are too few samples for it. */
export type MetricSummary = { n: number } & Partial<Record<Percentile | Moment, number | null>> & {
    ci?: Maybe<Partial<Record<Percentile, Interval | null>>>;
    /** Of refused percentiles: the least n that they need. */
    needs_n?: Maybe<Partial<Record<Percentile, number>>>;
  };

export interface RequestCounts {
  total: number;
  ok: number;
  failed: number;
  by_error_type: Record<string, number>;
}

export interface TokenCounts {
  input: number;
  output: number;
  reasoning: number;
  source: string | null;
}

/** Output tokens per second as one user gets them. */
export interface UserSpeed {
  p5?: Maybe<number>;
  p50?: Maybe<number>;
  mean?: Maybe<number>;
}

export interface Rates {
  requests_per_s: number | null;
  output_tokens_per_s: number | null;
  total_tokens_per_s: number | null;
  chunks_per_s?: Maybe<number>;
  goodput_requests_per_s?: Maybe<number>;
  goodput_output_tokens_per_s?: Maybe<number>;
  good_share?: Maybe<number>;
  user_output_tokens_per_s?: Maybe<UserSpeed>;
}

export interface Figures {
  duration_seconds: number;
  requests: RequestCounts;
  error_rate?: Maybe<number>;
  tokens: TokenCounts;
  chunks?: number;
  rates: Rates;
  cost_usd: number | null;
  metrics: Record<string, MetricSummary | null>;
  /** What the server said about its own times. */
  server_timings?: Maybe<Record<string, MetricSummary | null>>;
}

export type Verdict = "trusted" | "suspect" | "client_bound";

/** p50, p99 and max in ms. */
export interface Lag {
  p50?: Maybe<number>;
  p99?: Maybe<number>;
  max?: Maybe<number>;
}

/** What a calibration on this machine at a like load found. */
export interface Calibration {
  at?: Maybe<string>;
  concurrency?: Maybe<number>;
  chunks_per_s?: Maybe<number>;
  errors_ms?: Maybe<Record<string, Maybe<{ p50?: Maybe<number>; p99?: Maybe<number> }>>>;
}

export interface Instrument {
  verdict: Verdict;
  reason?: Maybe<string>;
  clock?: Maybe<string>;
  reader?: Maybe<string>;
  loop_lag_ms?: Maybe<Lag>;
  send_lag_ms?: Maybe<Lag>;
  coalesced_share?: Maybe<number>;
  cpu_share?: Maybe<number>;
  clock_steps?: Maybe<number>;
  peak_rss_bytes?: Maybe<number>;
  core_shares?: Maybe<number[]>;
  gc_pauses?: Maybe<number>;
  gc_pause_max_ms?: Maybe<number>;
  steal_share?: Maybe<number>;
  involuntary_switches?: Maybe<number>;
  dropped_samples?: Maybe<number>;
  held_by_rate_limit?: Maybe<number>;
  calibration?: Maybe<Calibration>;
  /** Why there is no calibration. */
  calibration_reason?: Maybe<string>;
}

/** Which part of the run is steady, in seconds since its timeline begins. */
export interface Window {
  from_s?: Maybe<number>;
  to_s?: Maybe<number>;
  method?: Maybe<string>;
  reason?: Maybe<string>;
}

/** Little's law: in flight = throughput × time in system, while nothing piles up. */
export interface Queueing {
  in_flight_mean?: Maybe<number>;
  throughput_per_s?: Maybe<number>;
  time_in_system_mean_ms?: Maybe<number>;
  little_ratio?: Maybe<number>;
  is_stable?: Maybe<boolean>;
  warning?: Maybe<string>;
}

/** The figures of one load, with those of its steady window. */
export interface WindowedFigures extends Figures {
  window?: Maybe<Window>;
  steady?: Maybe<Figures>;
  queueing?: Maybe<Queueing>;
  retried?: Maybe<{ requests: number; attempts: number }>;
}

export interface TargetFigures extends WindowedFigures {
  provider: string;
  model: string;
}

export type PointVerdict = "met" | "not_met" | "undecided";

export interface PointFigures extends TargetFigures {
  /** From 0, in the order in which they were measured. */
  point: number;
  parameter: string;
  value: number;
  verdict?: Maybe<PointVerdict>;
  reason?: Maybe<string>;
  instrument?: Maybe<{ verdict?: Maybe<Verdict>; reason?: Maybe<string> }>;
}

export interface Answer {
  provider: string;
  model: string;
  answer?: Maybe<number>;
  statement?: Maybe<string>;
}

export interface Exploration {
  kind: string;
  parameter: string;
  confidence?: Maybe<number>;
  by_target?: Maybe<Answer[]>;
}

export interface WorkloadFacts {
  words_per_token?: Maybe<number>;
  source?: Maybe<string>;
  probe_requests?: Maybe<number>;
  uniqueness?: Maybe<string>;
}

export interface Budget {
  limit_usd?: Maybe<number>;
  estimate_usd?: Maybe<number>;
  spent_usd?: Maybe<number>;
  stopped?: Maybe<boolean>;
  /** What is not exact about it. */
  note?: Maybe<string>;
}

/** Where an imported run comes from. */
export interface ImportSource {
  tool: string;
  version?: Maybe<string>;
  file_sha256?: Maybe<string>;
}

export interface Summary extends WindowedFigures {
  instrument?: Maybe<Instrument>;
  by_target?: Maybe<TargetFigures[]>;
  warnings?: Maybe<string[]>;
  points?: Maybe<PointFigures[]>;
  exploration?: Maybe<Exploration>;
  workload?: Maybe<WorkloadFacts>;
  budget?: Maybe<Budget>;
  source?: Maybe<ImportSource>;
  /** Of an imported run: measures that its tool did not record, and why. */
  not_recorded?: Maybe<Record<string, string>>;
}

/** Where an exploration is; absent when one level is measured. */
export interface ExplorationProgress {
  /** From 0. */
  point_index?: Maybe<number>;
  /** Levels of each target; of a search at most. */
  points?: Maybe<number>;
  level?: Maybe<number>;
  parameter?: Maybe<string>;
}
