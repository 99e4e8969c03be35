"""The vendors' own clients talk to the simulator: so its wire formats are right."""

import contextlib
import functools
import gc
import warnings
from collections.abc import Callable, Iterator

import msgspec
import pytest
from google.genai import errors as genai_errors

from app.adapters.errors import error_body_text
from app.simulator.behaviour import FORMATS
from app.simulator.routes import Routes
from tests.loadgen.servers import simulator
from tests.simulator.clients import CLIENTS, KEY, PROMPT_TOKENS, STATUSES, aws

# The clients' own business: sockets that they leave to the garbage collector, deprecations among themselves.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
NAMES = pytest.mark.parametrize("name", CLIENTS)
FAST = ("--ttft-ms", "0", "--itl-ms", "0", "--tokens", "8", "--usage", "always", "--text", 'one zwölf "drei" \\n')
TEXT = ' one zwölf "drei" \\n one zwölf "drei" \\n'
REASONING = ("--reasoning", "3", "--cache-read", "0.5", "--cache-write", "0.25", "--pings", "3")


def failing(fault: str) -> tuple[str, ...]:
    return (*FAST, "--error-rate", "1", "--errors", fault)


@pytest.fixture(scope="module")
def simulated() -> Iterator[Callable[..., str]]:
    """`(arguments)` → the base URL of a simulator that was started with them, once for all tests."""
    with contextlib.ExitStack() as stack:
        yield functools.cache(lambda *arguments: f"http://127.0.0.1:{stack.enter_context(simulator(*arguments))}")
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # of sockets that some clients have no way to close


@NAMES
def test_text_usage_and_finish_reason(name: str, simulated: Callable[..., str]) -> None:
    client, base = CLIENTS[name], simulated(*FAST, "--api-key", KEY)
    for ask in (client.whole, client.stream):
        said = ask(base, KEY, None)
        assert (said.text, said.finish) == (TEXT, client.finish[0])
        assert (said.input, said.output) == (PROMPT_TOKENS, 8)
        short = ask(base, KEY, 2)
        assert (short.text, short.output, short.finish) == (" one zwölf", 2, client.finish[1])


@NAMES
def test_reasoning_and_cached_tokens(name: str, simulated: Callable[..., str]) -> None:
    client, base = CLIENTS[name], simulated(*FAST, *REASONING)
    tells_reasoning = {"openai", "azure", "openai-responses", "anthropic", "gemini"}
    for ask in (client.whole, client.stream):
        said = ask(base, KEY, None)
        assert said.text == ' \\n one zwölf "drei" \\n'
        assert (said.input, said.output) == (PROMPT_TOKENS, 8)
        shows_reasoning = name in tells_reasoning | {"cohere", "ollama", "bedrock", "mistral"}
        assert said.reasoning == (' one zwölf "drei"' if shows_reasoning else None)
        assert said.reasoned == (3 if name in tells_reasoning else None)
        assert said.cached == (4 if name in tells_reasoning | {"cohere", "bedrock", "mistral"} else None)


@NAMES
@pytest.mark.parametrize("status", [status for status in STATUSES if status not in {401, 402}])
def test_errors_instead_of_an_answer(name: str, status: int, simulated: Callable[..., str]) -> None:
    client, base = CLIENTS[name], simulated(*failing(f"http_{status}"))
    for ask in (client.whole, client.stream) if status in {429, 500} else (client.whole,):
        with pytest.raises(client.errors[status]) as caught:
            ask(base, KEY, None)
        assert client.told(caught.value) == status


@NAMES
@pytest.mark.parametrize("fault", ["context_length", "quota"])
def test_what_words_alone_tell_apart(name: str, fault: str, simulated: Callable[..., str]) -> None:
    client, base = CLIENTS[name], simulated(*failing(fault))
    form = Routes((name if name in FORMATS else "openai",)).default
    refusal = form.too_long if fault == "context_length" else form.no_quota
    for ask in (client.whole, client.stream):
        with pytest.raises(client.errors[refusal.status]) as caught:
            ask(base, KEY, None)
        assert client.told(caught.value) == refusal.status
        assert error_body_text(refusal.status, msgspec.json.encode(refusal.body))[:30] in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "exception"),
    [
        ("http_400", "ValidationException"), ("http_403", "AccessDeniedException"),
        ("http_404", "ResourceNotFoundException"), ("http_429", "ThrottlingException"),
        ("http_500", "InternalServerException"), ("http_503", "ServiceUnavailableException"),
        ("http_504", "ModelTimeoutException"), ("quota", "ServiceQuotaExceededException"),
        ("context_length", "ValidationException"),
    ],
)  # fmt: skip
def test_bedrock_s_own_exceptions(fault: str, exception: str, simulated: Callable[..., str]) -> None:
    client = aws("bedrock-runtime", simulated(*failing(fault)), KEY)
    with pytest.raises(getattr(client.exceptions, exception)):
        client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "one"}]}])


def test_what_google_calls_its_errors(simulated: Callable[..., str]) -> None:
    for fault, status in (("http_403", "PERMISSION_DENIED"), ("http_404", "NOT_FOUND"), ("quota", "RESOURCE_EXHAUSTED"),
                          ("http_504", "DEADLINE_EXCEEDED"), ("http_503", "UNAVAILABLE")):  # fmt: skip
        with pytest.raises(genai_errors.APIError) as caught:
            CLIENTS["gemini"].whole(simulated(*failing(fault)), KEY, None)
        assert caught.value.status == status


@NAMES
def test_a_wrong_key(name: str, simulated: Callable[..., str]) -> None:
    client, base = CLIENTS[name], simulated(*FAST, "--api-key", KEY)
    with pytest.raises(client.errors[401]):
        client.whole(base, "AKIDWRONG:other", None)


@NAMES
def test_an_error_within_a_stream(name: str, simulated: Callable[..., str]) -> None:
    client, base = CLIENTS[name], simulated(*failing("stream_error"))
    with pytest.raises(client.in_band, match=r"simulated failure|validation failed"):
        client.stream(base, KEY, None)


@pytest.mark.parametrize("name", [name for name, client in CLIENTS.items() if client.models])
def test_models(name: str, simulated: Callable[..., str]) -> None:
    models = CLIENTS[name].models
    assert models is not None
    assert models(simulated(*FAST, "--api-key", KEY), KEY) == ["simulated"]
