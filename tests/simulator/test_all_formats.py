"""The instrument against the simulator, in every wire format: what it reads is what the vendors' clients read."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.loadgen.frames import Record
from app.loadgen.plan import Endpoint, Prompts
from tests.loadgen.runs import plan, run
from tests.loadgen.servers import simulator

KEY = "AKIDEXAMPLE:secret"
FAST = ("--ttft-ms", "0", "--itl-ms", "1", "--tokens", "8", "--usage", "always", "--text", 'one zwölf "drei" \\n')
TEXT = ' one zwölf "drei" \\n one zwölf "drei" \\n'
REASONING = ("--reasoning", "3", "--cache-read", "0.5", "--cache-write", "0.25", "--pings", "3", "--api-key", KEY)
PROMPT = "one two three four five six seven eight"
FORMATS = [
    "openai", "openai-responses", "anthropic", "gemini", "cohere", "bedrock", "azure-openai", "mistral", "ollama",
    "llamacpp-completion",
]  # fmt: skip
NAMES = pytest.mark.parametrize("kind", FORMATS)
FINISH = {
    "openai-responses": "completed", "anthropic": "end_turn", "gemini": "STOP", "cohere": "COMPLETE",
    "bedrock": "end_turn", "llamacpp-completion": "eos",
}  # fmt: skip


@pytest.fixture(scope="module")
def simulated() -> Iterator[Callable[..., int]]:
    """`(arguments)` → the port of a simulator that was started with them, once for all tests."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda *arguments: stack.enter_context(simulator(*arguments)))


def measured(kind: str, port: int, *, requests: int = 1, **sampling: Any) -> list[Record]:
    base_path = {"openai": "/v1", "openai-responses": "/v1", "mistral": "/mistral/v1"}.get(kind, "")
    endpoint = Endpoint(kind, f"http://127.0.0.1:{port}{base_path}", "m", api_key=KEY)
    workload = Prompts((PROMPT,))
    result = run(plan(port, requests=requests, endpoint=endpoint, workload=workload, sampling=sampling))
    assert len(result.records) == requests, result.end
    return result.records


@NAMES
@pytest.mark.parametrize("stream", [True, False])
def test_text_counts_and_finish_reason(kind: str, stream: bool, simulated: Callable[..., int]) -> None:
    for record in measured(kind, simulated(*FAST, *REASONING[-2:]), requests=3, stream=stream):
        assert (record.error_type, record.error) == (None, None)
        assert record.response_text == TEXT
        assert record.finish_reason == FINISH.get(kind, "stop")
        assert record.token_count_source == "usage"
        assert record.visible_output_tokens == 8
        framing = 7 if kind == "cohere" else 0  # what the model takes in beyond what is billed
        assert (record.uncached_input_tokens or 0) + (record.cache_read_tokens or 0) == 8 + framing
        assert record.chunks == (8 if stream else 1)
        assert record.first_token_ns == record.first_output_ns


@NAMES
def test_reasoning_and_cached_tokens(kind: str, simulated: Callable[..., int]) -> None:
    (record,) = measured(kind, simulated(*FAST, *REASONING))
    assert record.error_type is None
    inputs = (record.uncached_input_tokens, record.cache_read_tokens, record.cache_write_tokens)
    outputs = (record.visible_output_tokens, record.reasoning_tokens)
    if kind == "llamacpp-completion":  # it has no way to tell reasoning
        assert record.response_text == TEXT
    else:
        assert record.response_text == ' \\n one zwölf "drei" \\n'
        assert record.first_output_ns >= record.first_token_ns  # one chunk may bring both on a busy machine
    chat = ((4, 4, None), (5, 3))
    assert (inputs, outputs) == {
        "openai": chat,
        "azure-openai": chat,
        "mistral": ((4, 4, None), (8, None)),
        "openai-responses": ((2, 4, 2), (5, 3)),
        "anthropic": ((2, 4, 2), (5, 3)),
        "gemini": ((4, 4, None), (5, 3)),
        "cohere": ((11, 4, None), (8, None)),
        "bedrock": ((2, 4, 2), (8, None)),
        "ollama": ((8, None, None), (8, None)),
        "llamacpp-completion": ((4, 4, None), (8, None)),
    }[kind]
    assert record.chunks == 8, "pings are no tokens"


@NAMES
def test_a_limit(kind: str, simulated: Callable[..., int]) -> None:
    (record,) = measured(kind, simulated(*FAST), max_tokens=2, stop=["never"], temperature=0.5, top_p=0.9)
    assert record.response_text == " one zwölf"
    assert record.visible_output_tokens == 2
    assert record.finish_reason in {"length", "max_output_tokens", "max_tokens", "MAX_TOKENS", "limit"}


@NAMES
@pytest.mark.parametrize(
    ("fault", "error_type", "says"),
    [
        ("http_400", "http_4xx", "simulated bad request"),
        ("http_429", "http_429", "simulated rate limit"),
        ("http_500", "http_5xx", "simulated failure"),
        ("http_529", "http_5xx", "simulated overload"),
        ("stream_error", "stream_error", "simulated failure in the stream"),
        ("cut", "truncated", "before the answer was finished"),
        ("truncate", "truncated", "before the answer was finished"),
    ],
)
def test_errors(kind: str, fault: str, error_type: str, says: str, simulated: Callable[..., int]) -> None:
    (record,) = measured(kind, simulated(*FAST, "--error-rate", "1", "--errors", fault))
    assert record.error_type == error_type
    if (kind, fault) == ("mistral", "stream_error"):  # its streams have no words for it
        says = "the generation ended with error"
    assert says in (record.error or "")
    assert record.chunks == (4 if record.http_status == 200 else 0), "what came before it is kept"


@NAMES
def test_a_prompt_that_is_too_long(kind: str, simulated: Callable[..., int]) -> None:
    (record,) = measured(kind, simulated(*FAST, "--error-rate", "1", "--errors", "context_length"))
    assert (record.error_type, record.error_kind) == ("http_4xx", "context_length")


@NAMES
def test_a_wrong_key(kind: str, simulated: Callable[..., int]) -> None:
    (record,) = measured(kind, simulated("--api-key", "AKIDOTHER:secret"))
    assert (record.http_status, record.error) == (401, "Incorrect API key provided")


@NAMES
def test_without_usage_chunks_are_counted(kind: str, simulated: Callable[..., int]) -> None:
    (record,) = measured(kind, simulated(*FAST[:-4], "--usage", "off", "--reasoning", "3"))
    reasoning = 0 if kind == "llamacpp-completion" else 3
    assert record.token_count_source == "chunks"
    assert (record.visible_output_tokens, record.reasoning_tokens) == (8 - reasoning, reasoning)
