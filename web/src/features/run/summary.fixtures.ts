/** Summaries of every age for the tests: with everything, from before most of it, and with nothing measured. */

import type { Figures, MetricSummary, PointFigures, Summary } from "../../api/summary";

/** A distribution around `p50`; small runs have no p99.9. */
export function metric(p50: number, n = 1_000, spread = 0.1): MetricSummary {
  const at = (share: number) => p50 * (1 + spread * share);
  const around = (value: number, width: number) => [value * (1 - width), value * (1 + width)] as const;
  return {
    n,
    min: at(-2),
    p50,
    p75: at(0.7),
    p90: at(1.3),
    p95: at(1.6),
    p99: n >= 100 ? at(2.3) : null,
    "p99.9": n >= 1_000 ? at(3) : null,
    max: at(3.5),
    mean: at(0.1),
    stdev: p50 * spread,
    ci: {
      p50: around(p50, 0.01),
      p75: around(at(0.7), 0.012),
      p90: around(at(1.3), 0.015),
      p95: around(at(1.6), 0.02),
      p99: n >= 100 ? around(at(2.3), 0.05) : null,
      "p99.9": null,
    },
    needs_n: { ...(n < 100 ? { p99: 100 } : {}), ...(n < 1_000 ? { "p99.9": 1_000 } : {}) },
  };
}

function figures(ttftMs: number, n: number, requestsPerS: number): Figures {
  return {
    duration_seconds: n / requestsPerS,
    requests: { total: n + 2, ok: n, failed: 2, by_error_type: { http_429: 2 } },
    error_rate: 2 / (n + 2),
    tokens: { input: 512 * n, output: 128 * n, reasoning: 0, source: "usage" },
    chunks: 128 * n,
    rates: {
      requests_per_s: requestsPerS,
      output_tokens_per_s: 128 * requestsPerS,
      total_tokens_per_s: 640 * requestsPerS,
      chunks_per_s: 128 * requestsPerS,
      goodput_requests_per_s: 0.97 * requestsPerS,
      good_share: 0.97,
      user_output_tokens_per_s: { p5: 46, p50: 49.6, mean: 49.5 },
    },
    cost_usd: 0.42,
    metrics: {
      ttft_ms: metric(ttftMs, n),
      ttft_from_intended_ms: metric(ttftMs * 1.4, n),
      ttfo_ms: null,
      ttfb_ms: metric(ttftMs * 0.9, n),
      tpot_ms: metric(20, n, 0.03),
      icl_ms: metric(20, 127 * n, 0.2),
      e2e_ms: metric(ttftMs + 2_560, n, 0.05),
      schedule_delay_ms: metric(0.02, n, 0.5),
      connect_ms: metric(0.18, n),
    },
  };
}

export const FULL: Summary = {
  ...figures(202, 1_600, 23),
  instrument: {
    verdict: "trusted",
    reason: "send lag p99 is 0.03 ms and no engine used more than 41 % of its core",
    clock: "kernel",
    reader: "native",
    loop_lag_ms: { p50: 0.004, p99: 0.021, max: 0.4 },
    send_lag_ms: { p50: 0.009, p99: 0.034, max: 0.51 },
    coalesced_share: 0.0004,
    cpu_share: 0.41,
    clock_steps: 0,
    peak_rss_bytes: 48_000_000,
    core_shares: [0.41, 0.39],
    gc_pauses: 2,
    gc_pause_max_ms: 0.31,
    steal_share: 0.002,
    involuntary_switches: 14,
    dropped_samples: 0,
    held_by_rate_limit: 12,
    calibration: {
      at: "2026-11-20T14:03:00Z",
      concurrency: 64,
      chunks_per_s: 3_180,
      errors_ms: {
        ttft_ms: { p50: 0.007, p99: 0.017 },
        icl_ms: { p50: 0.0004, p99: 0.0012 },
        e2e_ms: { p50: 0.013, p99: 0.029 },
      },
    },
  },
  by_target: [
    { provider: "local", model: "llama", ...figures(202, 800, 23) },
    { provider: "local", model: "qwen", ...figures(180, 800, 25) },
  ],
  window: { from_s: 8, to_s: 61.5, method: "mser-5", reason: "the start burst and the drain are left out" },
  steady: figures(196, 640, 24.1),
  queueing: {
    in_flight_mean: 63.2,
    throughput_per_s: 23.1,
    time_in_system_mean_ms: 2_740,
    little_ratio: 0.998,
    is_stable: true,
    warning: null,
  },
  retried: { requests: 3, attempts: 7 },
  warnings: ["two of 1,602 requests failed with http_429: the server limits its rate"],
  points: null,
  exploration: null,
  workload: {
    words_per_token: 0.74,
    source: "usage",
    probe_requests: 4,
    uniqueness: "every prompt is different from its first word on",
  },
  budget: { limit_usd: 5, estimate_usd: 0.51, spent_usd: 0.42, stopped: false },
  server_timings: { prompt_ms: metric(150, 640), openai_processing_ms: metric(2_700, 640) },
};

/** As the first version of the service stored them. */
export const OLD: Summary = {
  duration_seconds: 10,
  requests: { total: 48, ok: 48, failed: 0, by_error_type: {} },
  tokens: { input: 3_072, output: 2_400, reasoning: 0, source: "usage" },
  rates: {
    requests_per_s: 4.8,
    output_tokens_per_s: 240,
    total_tokens_per_s: 547,
    goodput_requests_per_s: null,
    good_share: null,
  },
  cost_usd: null,
  metrics: {
    ttft_ms: {
      n: 48,
      min: 170,
      max: 260,
      mean: 203,
      stdev: 12,
      p50: 202,
      p75: 210,
      p90: 220,
      p95: 231,
      p99: 255,
      "p99.9": 259,
    },
    e2e_ms: null,
  },
  instrument: {
    verdict: "suspect",
    reason: "the clock was stepped once",
    clock: "kernel",
    loop_lag_ms: null,
    send_lag_ms: { p50: 0.01, p99: 0.04, max: 0.2 },
    coalesced_share: 0,
    cpu_share: 0.2,
    clock_steps: 1,
  },
};

const NOTHING: Figures = {
  duration_seconds: 0,
  requests: { total: 0, ok: 0, failed: 0, by_error_type: {} },
  error_rate: null,
  tokens: { input: 0, output: 0, reasoning: 0, source: null },
  rates: {
    requests_per_s: null,
    output_tokens_per_s: null,
    total_tokens_per_s: null,
    user_output_tokens_per_s: null,
  },
  cost_usd: null,
  metrics: {
    ttft_ms: {
      n: 0,
      min: null,
      max: null,
      mean: null,
      stdev: null,
      p50: null,
      p75: null,
      p90: null,
      p95: null,
      p99: null,
      "p99.9": null,
      ci: null,
      needs_n: null,
    },
    tpot_ms: null,
  },
};

/** Everything is there, and everything is null. */
export const NULLS: Summary = {
  ...NOTHING,
  instrument: {
    verdict: "client_bound",
    reason: null,
    clock: null,
    loop_lag_ms: { p50: null, p99: null, max: null },
    send_lag_ms: null,
    coalesced_share: null,
    cpu_share: null,
    clock_steps: null,
    core_shares: null,
    gc_pauses: null,
    gc_pause_max_ms: null,
    steal_share: null,
    involuntary_switches: null,
    dropped_samples: null,
    held_by_rate_limit: null,
    calibration: null,
  },
  by_target: null,
  window: { from_s: null, to_s: null, method: "none", reason: "the run is too short" },
  steady: null,
  queueing: null,
  retried: null,
  warnings: null,
  points: null,
  exploration: null,
  workload: null,
  budget: null,
  server_timings: null,
};

function point(order: number, users: number, part: Partial<PointFigures>): PointFigures {
  const ttftMs = 180 + users ** 1.35 * 2;
  return {
    point: order,
    parameter: "concurrency",
    value: users,
    provider: "local",
    model: "llama",
    instrument: { verdict: "trusted", reason: "all is well" },
    ...figures(ttftMs, 400, (users * 8) / (1 + users / 40)),
    ...part,
  };
}

/** A search in the order in which it was measured. */
export const SEARCHED: Summary = {
  ...FULL,
  window: { from_s: null, to_s: null, method: "none", reason: "each level has its own" },
  steady: null,
  by_target: [],
  points: [
    point(0, 1, { verdict: "met", reason: "TTFT p95 is 211 ms, at most 500 ms, with 95 % confidence" }),
    point(1, 64, { verdict: "not_met", reason: "TTFT p95 is 848 ms and not at most 500 ms" }),
    point(2, 8, { verdict: "met" }),
    point(3, 22, { verdict: "met" }),
    point(4, 38, { verdict: "undecided", reason: "400 requests do not tell it from 500 ms" }),
  ],
  exploration: {
    kind: "search",
    parameter: "concurrency",
    confidence: 0.95,
    by_target: [
      {
        provider: "local",
        model: "llama",
        answer: 22,
        statement: "22 users meet every limit with 95 % confidence; 38 are undecided and 64 do not",
      },
    ],
  },
};
