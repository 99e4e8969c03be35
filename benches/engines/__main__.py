"""Benchmarks real engines with the command line, and fails when they and the instrument contradict each other.

usage: python -m benches.engines FOLDER   (what `build.sh FOLDER` built)
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benches.engines.checks import Expected, Line, Row, line, problems
from benches.engines.servers import SERVERS, environment_of, running

HERE = Path(__file__).parent
PROMPTS, OUTPUT_TOKENS, SYNTHETIC_TOKENS, SEED = 40, 48, 64, 4
LIMIT_SECONDS = 300


class Case(NamedTuple):
    """One run of the command line against a server."""

    server: str
    kind: str
    concurrency: int = 1
    is_streamed: bool = True
    is_synthetic: bool = False
    has_usage: bool = True
    timing: str | None = "llama.cpp"

    @property
    def says(self) -> str:
        """What is special about it."""
        parts = [f"{self.concurrency} at a time"]
        parts += [] if self.is_streamed else ["whole answers"]
        parts += ["made-up prompts"] if self.is_synthetic else []
        return ", ".join(parts)


# llama-cpp-python 0.3 sends no usage in streams, whatever is asked for, and tells its time in a header.
CASES = (
    Case("llama.cpp", "openai-compatible"),
    Case("llama.cpp", "openai-compatible", concurrency=4),
    Case("llama.cpp", "openai-compatible", is_streamed=False),
    Case("llama.cpp", "llamacpp"),
    Case("llama.cpp", "llamacpp", is_synthetic=True),
    Case("llama.cpp", "llamacpp-completion"),
    Case("llama.cpp", "llamacpp-completion", concurrency=4),
    Case("llama.cpp", "llamacpp-completion", is_streamed=False),
    Case("llama.cpp", "llamacpp-completion", is_synthetic=True),
    Case("llama-cpp-python", "openai-compatible", has_usage=False, timing="header"),
    Case("llama-cpp-python", "openai-compatible", is_streamed=False, timing="header"),
    Case("llama-cpp-python", "openai-compatible", is_streamed=False, is_synthetic=True, timing="header"),
    Case("llama-cpp-python", "llamacpp", has_usage=False, timing="header"),
    Case("llama-cpp-python", "llamacpp", concurrency=2, has_usage=False, timing="header"),
)


def main(folder: Path) -> int:
    """Run every case and print the table; 1 when anything contradicts."""
    model = folder / "tiny.gguf"
    python = folder / "venv/bin/python"
    subprocess.run([python, HERE / "tiny_model.py", model, str(SEED)], check=True)
    texts = prompts()
    counted = {
        "chat": count(folder, model, [f"user: {text}\nassistant:" for text in texts]),
        "plain": count(folder, model, texts),
    }
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, {_processor()}; {PROMPTS} requests of {OUTPUT_TOKENS} tokens\n"
    )
    print(HEAD)
    wrong = 0
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / "prompts.jsonl").write_text("".join(json.dumps({"prompt": text}) + "\n" for text in texts))
        for server in SERVERS:
            with running(server, folder, model) as address:
                for case in (one for one in CASES if one.server == server):
                    rows, summary = measure(case, address, Path(work))
                    found = problems(rows, _expected(case, counted))
                    print(table_line(case, line(rows, summary)), flush=True)
                    for problem in found:
                        print(f"    CONTRADICTION: {problem}", flush=True)
                    wrong += bool(found)
    print(f"\n{len(CASES) - wrong} of {len(CASES)} runs agree with their server.")
    return 1 if wrong else 0


def prompts() -> list[str]:
    """Different texts of different lengths, among them ones that are not ASCII."""
    random = np.random.default_rng(SEED)
    words = ("time", "baku", "Zürich", "of", "the", "夜", "lorem", "42", "naïve", "ping")
    return [" ".join(random.choice(words, 4 + number % 29)) + f" {number}" for number in range(PROMPTS)]


def count(folder: Path, model: Path, texts: Sequence[str]) -> list[int]:
    """Tokens of each text by the model's vocabulary."""
    command = [folder / "venv/bin/python", HERE / "count_tokens.py", model]
    environment = os.environ | environment_of(folder)
    done = subprocess.run(
        command, input=json.dumps(texts).encode(), stdout=subprocess.PIPE, env=environment, check=True
    )
    return [int(number) for number in json.loads(done.stdout)]


def measure(case: Case, address: str, work: Path) -> tuple[list[Row], dict[str, Any]]:
    """Run the command line; its rows and its summary."""
    base_url = address if case.kind == "llamacpp-completion" else f"{address}/v1"
    output = work / "out"
    asked = (
        ["--input-tokens", str(SYNTHETIC_TOKENS), "--output-tokens", str(OUTPUT_TOKENS)]
        if case.is_synthetic
        else ["--dataset", str(work / "prompts.jsonl"), "--max-tokens", str(OUTPUT_TOKENS)]
    )
    command = [
        str(Path(sys.executable).with_name("llm-test-bench")), "bench", "--quiet", "--provider", case.kind,
        "--base-url", base_url, "--model", "tiny", "--concurrency", str(case.concurrency),
        "--requests", str(PROMPTS), "--output", str(output), *asked, *([] if case.is_streamed else ["--no-stream"]),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    rows = [json.loads(text) for text in (output / "results.jsonl").read_text().splitlines()]
    return rows, json.loads((output / "summary.json").read_text())


def _expected(case: Case, counted: dict[str, list[int]]) -> Expected:
    texts = counted["plain" if case.kind == "llamacpp-completion" else "chat"]
    return Expected(
        requests=PROMPTS,
        output_tokens=OUTPUT_TOKENS,
        input_tokens=None if case.is_synthetic else texts,
        mean_input_tokens=SYNTHETIC_TOKENS if case.is_synthetic else None,
        has_usage=case.has_usage,
        is_streamed=case.is_streamed,
        timing=case.timing,
        is_alone=case.concurrency == 1,
    )


HEAD = (
    f"{'server':<17}{'kind':<21}{'load':<32}{'ok':>4}{'TTFT':>9}{'its own':>9}{'TPOT':>8}{'its own':>9}"
    f"{'tok/s':>8}{'in':>7}{'out':>7}{'chunks':>8}"
)


def table_line(case: Case, found: Line) -> str:
    """Medians in milliseconds; `its own` is what the server says."""

    def ms(value: float | None, width: int) -> str:
        return f"{'—' if value is None else format(value, '.2f'):>{width}}"

    return (
        f"{case.server:<17}{case.kind:<21}{case.says:<32}{found.ok:>4}{ms(found.ttft_ms, 9)}"
        f"{ms(found.server_prefill_ms, 9)}{ms(found.tpot_ms, 8)}{ms(found.server_tpot_ms, 9)}"
        f"{found.tokens_per_s:>8.0f}{'—' if found.input_tokens is None else found.input_tokens:>7}"
        f"{found.output_tokens:>7}{found.chunks:>8}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((text.partition(": ")[2] for text in lines if text.startswith("model name")), platform.processor())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
