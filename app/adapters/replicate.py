"""Replicate, predictions of language models, as whole answers.

Source: Replicate's HTTP API reference, "Create a prediction using an official model" and "Create a prediction", and its
topics "Sync mode" (`Prefer: wait`, at most 60 seconds) and "Streaming output". Inputs are each model's own; the names
here are those of the official language models. A stream is a second request, to the address in `urls.stream` on another
host; a benchmark here is one connection to one host, so it asks for whole answers, and the first token is seen when all
of it is. What such a stream says is read all the same: `output` is text, `error` and `done` are objects.
"""

from typing import Any
from urllib.parse import quote

import msgspec

from app.adapters.base import Buckets, ChatRequest, HttpRequest, Message
from app.adapters.events import ABSENT, NOTHING, Event, raw_object
from app.adapters.sse import NamedSseParser
from app.adapters.wire_format import WireFormat, given, split_system

WAIT_SECONDS = 60  # the most that the API takes


class _Prediction(msgspec.Struct):
    status: str
    id: str | None = None
    output: str | list[str] | msgspec.Raw | None = None
    error: msgspec.Raw = ABSENT
    metrics: msgspec.Raw = ABSENT


class _Done(msgspec.Struct):
    reason: str | None = None


class _Metrics(msgspec.Struct):
    input_token_count: int | None = None
    output_token_count: int | None = None


class _Model(msgspec.Struct):
    owner: str
    name: str


class _Models(msgspec.Struct):
    results: list[_Model]


_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_prediction = msgspec.json.Decoder(_Prediction).decode
_decode_done = msgspec.json.Decoder(_Done).decode
_decode_metrics = msgspec.json.Decoder(_Metrics).decode
_decode_models = msgspec.json.Decoder(_Models).decode
_encode = msgspec.json.Encoder().encode


class Replicate(WireFormat):
    """The adapter."""

    answer_statuses = (200, 201)
    new_framing = NamedSseParser
    ends_with_finish_reason = False
    models_path = "/v1/models"

    def encode(self, request: ChatRequest, api_key: str | None) -> HttpRequest:
        """POST /v1/models/{owner}/{name}/predictions, or /v1/predictions of `owner/name:version`; waits for the end."""
        name, _, version = request.model.partition(":")
        owner, slash, short = name.partition("/")
        if not (owner and slash and short) or "/" in short:
            raise ValueError(f"models of Replicate are called owner/name or owner/name:version, not {request.model!r}")
        system, turns = split_system(request.messages)
        sent: dict[str, Any] = {
            "prompt": _prompt(turns),
            "system_prompt": system,
            "max_tokens": request.output_tokens or request.max_tokens,
            "min_tokens": request.output_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stop_sequences": ",".join(request.stop) if request.stop else None,
            "seed": request.seed,
        }
        path = f"/v1/models/{quote(owner, safe='')}/{quote(short, safe='')}/predictions"
        body: dict[str, Any] = {"version": version or None, "input": given(sent)}
        made = self.post("/v1/predictions" if version else path, body, request, api_key)
        headers = [header for header in made.headers if header[0] != "Accept"]
        return made._replace(headers=[*headers, ("Accept", "application/json"), ("Prefer", f"wait={WAIT_SECONDS}")])

    def read(self, payload: bytes) -> Event:
        """An event by its name; `logs` and what else there may be say nothing."""
        ((name, data),) = _decode(payload).items()
        if name == "output":
            return Event(text=_text(data))
        if name == "error":
            return _failed("server", _words(data))
        if name != "done":
            return NOTHING
        reason = _decode_done(data).reason
        if reason is None:
            return Event(finish_reason="succeeded", is_last=True)
        return _failed(reason, f"the prediction ended with {reason}")

    def read_body(self, body: bytes) -> Event:
        """A prediction."""
        if not _decode(body):  # an empty object says nothing at all
            return NOTHING
        said = _decode_prediction(body)
        if said.status in {"starting", "processing"}:
            return _failed(
                "timeout", f"the prediction was still {said.status} after {WAIT_SECONDS} s, the longest wait"
            )
        if said.status != "succeeded":
            words = msgspec.json.decode(said.error) if said.error != ABSENT else None
            return _failed(said.status, words or f"the prediction has {said.status}")
        output = said.output
        text = output if isinstance(output, str) else "".join(output) if isinstance(output, list) else ""
        metrics = raw_object(said.metrics)
        return Event(
            text=text,
            other_output=isinstance(output, msgspec.Raw) and output != ABSENT,
            response_id=said.id,
            finish_reason="succeeded",
            usage=metrics,
            timings=metrics,
            is_last=True,
        )

    def buckets(self, usage: bytes) -> Buckets:
        """Replicate tells neither cached nor reasoning tokens apart."""
        said = _decode_metrics(usage)
        return Buckets(uncached_input=said.input_token_count, visible_output=said.output_token_count)

    def parse_models(self, body: bytes) -> list[str]:
        """Its first page, as `owner/name`."""
        try:
            return [f"{model.owner}/{model.name}" for model in _decode_models(body).results]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ValueError(f"not a model list: {error}") from None


def _text(data: msgspec.Raw) -> str:
    """The data of an event: text, which may look like JSON."""
    raw = bytes(data)
    return msgspec.json.decode(raw, type=str) if raw.startswith(b'"') else raw.decode()


def _words(data: msgspec.Raw) -> Any:
    said = msgspec.json.decode(data)
    return said.get("detail") or said if isinstance(said, dict) else said


def _failed(kind: str, words: Any) -> Event:
    return Event(error=_encode({"error": {"message": words, "type": kind}}), is_last=True)


def _prompt(turns: list[Message]) -> str:
    if len(turns) == 1:
        return turns[0].content
    return "".join(f"{turn.role}: {turn.content}\n\n" for turn in turns) + "assistant:"
