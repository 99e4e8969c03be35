-- wrk prints p50, p75, p90 and p99 only; this prints one line that `bench_api` reads.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "REPORT requests=%d micros=%d p50=%d p95=%d p99=%d max=%d bad=%d broken=%d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    latency.max, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
