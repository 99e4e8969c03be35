"""Replicate's own client against the simulator, answers and streams; our adapter over the instrument, answers."""

import contextlib
import gc
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from replicate.client import Client
from replicate.exceptions import ModelError, ReplicateError

from app.loadgen.plan import Endpoint, Prompts
from tests.loadgen.runs import plan, run
from tests.loadgen.servers import simulator

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
FAST = ("--ttft-ms", "0", "--itl-ms", "0", "--tokens", "8", "--text", 'one zwölf "drei" \\n', "--api-key", "k")
TEXT = ' one zwölf "drei" \\n one zwölf "drei" \\n'
INPUT = {"prompt": "one two three four", "system_prompt": "be brief"}


@pytest.fixture(scope="module")
def simulated() -> Iterator[Callable[..., int]]:
    with contextlib.ExitStack() as stack:
        yield cache(lambda *arguments: stack.enter_context(simulator(*FAST, *arguments)))
    with warnings.catch_warnings(action="ignore"):
        gc.collect()  # of sockets that the client has no way to close


def failing(fault: str) -> tuple[str, ...]:
    return ("--error-rate", "1", "--errors", fault)


def ask(port: int, key: str = "k", **more: Any) -> Any:
    client = Client(api_token=key, base_url=f"http://127.0.0.1:{port}")
    return client.models.predictions.create(model="acme/m", input=INPUT | more, wait=True)


def measured(port: int, model: str = "acme/m", **sampling: Any) -> Any:
    endpoint = Endpoint("replicate", f"http://127.0.0.1:{port}", model, api_key="k")
    workload = Prompts(("one two three four",))
    result = run(plan(port, requests=1, endpoint=endpoint, workload=workload, sampling=sampling))
    return result.records[0]


def test_the_client_understands_predictions(simulated: Callable[..., int]) -> None:
    said = ask(simulated())
    assert (said.status, "".join(said.output), said.model) == ("succeeded", TEXT, "acme/m")
    assert (said.metrics["input_token_count"], said.metrics["output_token_count"]) == (6, 8)
    assert "".join(ask(simulated(), max_tokens=2).output) == " one zwölf"


def test_the_client_fetches_streams(simulated: Callable[..., int]) -> None:
    client = Client(api_token="k", base_url=f"http://127.0.0.1:{simulated()}")
    for model in ("acme/m", "acme/m:abc"):
        *events, last = client.stream(model, input=INPUT)
        assert [str(event) for event in events] == [f" {word}" for word in TEXT.split()]
        assert last.event.value == "done"
    assert "".join(map(str, client.stream("acme/m", input=INPUT | {"max_tokens": 2}))) == " one zwölf"
    broken = Client(api_token="k", base_url=f"http://127.0.0.1:{simulated(*failing('stream_error'))}")
    with pytest.raises(RuntimeError, match="simulated failure in the stream"):
        list(broken.stream("acme/m", input=INPUT))


@pytest.mark.parametrize("status", [400, 403, 404, 422, 429, 500, 503, 529])
def test_the_client_understands_errors(status: int, simulated: Callable[..., int], monkeypatch: Any) -> None:
    monkeypatch.setattr("replicate.client.RetryTransport.handle_request", _once)
    with pytest.raises(ReplicateError, match="simulated") as caught:
        ask(simulated(*failing(f"http_{status}")))
    assert caught.value.status == status


def _once(self: Any, request: Any) -> Any:
    return self._wrapped_transport.handle_request(request)  # it would try five times, with pauses


def test_the_client_understands_a_wrong_key_and_a_failed_prediction(simulated: Callable[..., int]) -> None:
    with pytest.raises(ReplicateError) as caught:
        ask(simulated(), key="other")
    assert caught.value.status == 401
    client = Client(api_token="k", base_url=f"http://127.0.0.1:{simulated(*failing('stream_error'))}")
    with pytest.raises(ModelError, match="simulated failure in the answer"):
        client.run("acme/m", input=INPUT)


def test_the_client_understands_a_long_prompt_and_an_empty_account(simulated: Callable[..., int]) -> None:
    client = Client(api_token="k", base_url=f"http://127.0.0.1:{simulated(*failing('context_length'))}")
    with pytest.raises(ModelError, match="Prompt length exceeds"):
        client.run("acme/m", input=INPUT)
    with pytest.raises(ReplicateError, match="insufficient credit") as caught:
        ask(simulated(*failing("quota")))
    assert caught.value.status == 402
    for fault in ("context_length", "quota"):
        assert measured(simulated(*failing(fault))).error_kind == fault


def test_what_the_instrument_reads(simulated: Callable[..., int]) -> None:
    record = measured(simulated(), system="be brief", stop=["never"], temperature=0.5)
    assert (record.error_type, record.error, record.http_status) == (None, None, 201)
    assert (record.response_text, record.finish_reason) == (TEXT, "succeeded")
    assert (record.uncached_input_tokens, record.visible_output_tokens) == (6, 8)
    assert (record.token_count_source, record.chunks) == ("usage", 1)
    assert measured(simulated(), "acme/m:abc").response_text == TEXT
    assert measured(simulated(), max_tokens=2).response_text == " one zwölf"


@pytest.mark.parametrize(
    ("fault", "error_type", "says"),
    [
        ("http_429", "http_429", "simulated rate limit"),
        ("http_529", "http_5xx", "simulated overload"),
        ("stream_error", "stream_error", "simulated failure in the answer"),
    ],
)
def test_errors_that_the_instrument_reads(
    fault: str, error_type: str, says: str, simulated: Callable[..., int]
) -> None:
    record = measured(simulated(*failing(fault)))
    assert (record.error_type, record.error) == (error_type, says)


def test_without_usage_tokens_are_not_told(simulated: Callable[..., int]) -> None:
    assert measured(simulated("--usage", "off")).token_count_source is None
