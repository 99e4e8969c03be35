"""Small files of other tools, written by hand from their documented schemas (see the readers in `app.reports`)."""

from typing import Any

VLLM: dict[str, Any] = {
    "date": "20260801-120000",
    "endpoint_type": "openai-chat",
    "backend": "openai-chat",
    "label": None,
    "model_id": "llama",
    "tokenizer_id": "llama",
    "num_prompts": 3,
    "request_rate": 4.0,
    "burstiness": 1.0,
    "max_concurrency": 8,
    "duration": 2.5,
    "completed": 2,
    "failed": 1,
    "total_input_tokens": 30,
    "total_output_tokens": 8,
    "request_throughput": 0.8,
    "request_goodput": None,
    "output_throughput": 3.2,
    "total_token_throughput": 15.2,
    "mean_ttft_ms": 150.0,
    "input_lens": [10, 20, 30],
    "output_lens": [3, 5, 0],
    "ttfts": [0.1, 0.2, 0.0],
    "itls": [[0.01, 0.02], [0.01, 0.01, 0.03, 0.05], []],
    "latencies": [0.13, 0.3, 0.0],
    "start_times": [100.5, 101.0, 101.5],
    "queue_times": [0.0, 0.25, 0.0],
    "generated_texts": ["a", "b", ""],
    "errors": ["", "", "Traceback (most recent call last):\n  …\nTimeoutError: too late\n"],
}
_DETAILS = ("input_lens", "output_lens", "ttfts", "itls", "start_times", "generated_texts", "errors", "latencies")
VLLM_AGGREGATES = {name: value for name, value in VLLM.items() if name not in {*_DETAILS, "queue_times"}}

START_NS = 1_785_585_600 * 10**9


def aiperf_line(number: int, **metrics: tuple[Any, str]) -> dict[str, Any]:
    """A successful record that starts `number` tenths of a second into the run."""
    started = START_NS + number * 10**8
    return {
        "metadata": {
            "session_num": number,
            "x_request_id": f"id-{number}",
            "request_start_ns": started,
            "request_ack_ns": started + 5_000_000,
            "request_end_ns": started + 301_000_000,
            "worker_id": "w",
            "record_processor_id": "p",
            "benchmark_phase": "profiling",
            "was_cancelled": False,
        },
        "metrics": {
            "input_sequence_length": {"value": 550, "unit": "tokens"},
            "time_to_first_token": {"value": 255.0, "unit": "ms"},
            "request_latency": {"value": 0.3, "unit": "sec"},
            "output_token_count": {"value": 4, "unit": "tokens"},
            "inter_chunk_latency": {"value": [15.0, 15.0, 15.0], "unit": "ms"},
            "output_sequence_length": {"value": 4, "unit": "tokens"},
        }
        | {name: {"value": value, "unit": unit} for name, (value, unit) in metrics.items()},
        "error": None,
    }


def aiperf_error(number: int, code: int = 503) -> dict[str, Any]:
    """A failed record."""
    line = aiperf_line(number)
    line["metrics"] = {"error_isl": {"value": 550, "unit": "tokens"}}
    line["error"] = {"code": code, "type": "HTTPError", "message": "busy"}
    return line


AIPERF_AGGREGATES: dict[str, Any] = {
    "schema_version": "1.5",
    "aiperf_version": "0.13.0",
    "request_latency": {"unit": "ms", "avg": 2620.71, "p50": 2568.73, "p99": 3371.24, "count": 20},
    "request_throughput": {"unit": "requests/sec", "avg": 1.45},
    "request_count": {"unit": "requests", "avg": 20.0},
    "input_config": {"endpoint": {"model_names": ["llama"]}},
    "start_time": "2026-08-01T12:00:00",
}

START_S = START_NS / 1e9


def guidellm_request(number: int, tokens: int = 5) -> dict[str, Any]:
    """A successful request."""
    started = START_S + number
    return {
        "type_": "generative_request_stats",
        "request_id": f"r{number}",
        "response_id": None,
        "output": "text",
        "info": {
            "status": "completed",
            "timings": {
                "targeted_start": started - 0.002,
                "resolve_start": started - 0.001,
                "request_start": started,
                "first_token_iteration": started + 0.1,
                "first_output_token_iteration": started + 0.1,
                "last_token_iteration": started + 0.5,
                "token_iterations": tokens,
                "request_end": started + 0.6,
                "resolve_end": started + 0.61,
            },
            "error": None,
        },
        "input_metrics": {"text_tokens": 7, "total_tokens": 7},
        "output_metrics": {"text_tokens": tokens, "total_tokens": tokens},
        "request_latency": 0.6,
    }


def guidellm(*benchmarks: dict[str, Any]) -> dict[str, Any]:
    """A report."""
    return {
        "metadata": {"version": 2, "guidellm_version": "0.7.3", "python_version": "3.11", "platform": "Linux"},
        "config": {"backend": {"model": "llama"}},
        "benchmarks": list(benchmarks),
    }


def guidellm_benchmark(total: int | None = None) -> dict[str, Any]:
    """Two good requests and a failed one that was sent."""
    broken = guidellm_request(2)
    broken["info"]["error"] = "it broke"
    for name in ("first_token_iteration", "last_token_iteration", "first_output_token_iteration"):
        broken["info"]["timings"][name] = None
    return {
        "config": {"strategy": {"type_": "constant", "rate": 1.0}},
        "metrics": {"request_totals": {"successful": 2, "errored": 1, "incomplete": 0, "total": total or 3}},
        "requests": {
            "successful": [guidellm_request(1), guidellm_request(0)],
            "errored": [broken],
            "incomplete": [],
            "total": None,
        },
    }
