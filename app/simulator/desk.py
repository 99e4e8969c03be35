"""Which answer a request gets: an error or a list at once, or what a format says, in steps. No sockets, no clock."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from app.simulator.behaviour import Behaviour, course
from app.simulator.connection import Client
from app.simulator.counting import TokenCount
from app.simulator.embedding_formats import EmbeddingForm
from app.simulator.formats import Answer, Format, error_response, json_response
from app.simulator.later_streams import LaterStreams
from app.simulator.routes import Routes, is_right_key, model_list
from app.simulator.script import Ask, script
from app.simulator.steps import Step, chat_steps, whole_steps
from app.simulator.truth import Truth


class Said(NamedTuple):
    """What is answered at once."""

    data: bytes
    closes: bool = False


class Told(NamedTuple):
    """What is answered in time."""

    steps: Iterator[Step]
    truth: Truth


class Desk:
    """Answers requests, one after the other; keeps their numbers, from which times and faults follow."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._routes = Routes(behaviour.spoken)
        self._later = LaterStreams()
        self._count = TokenCount(behaviour.tokens_per_word, behaviour.overhead_tokens)
        self._numbers = itertools.count()
        self._accepted = itertools.count()

    def answer(self, client: Client, port: int) -> Said | Told:
        """The answer to the client's request; `port` is where the simulator listens."""
        method = client.parser.get_method().decode()
        path = client.target.partition(b"?")[0].decode(errors="replace")
        routes = self._routes
        form = routes.chat_format(path)
        key = self._behaviour.api_key
        if client.is_too_large:
            return Said(error_response(form or routes.default, 413, "body too large", close=True), closes=True)
        if key and not is_right_key(client.key.decode("latin-1"), key):
            return Said(error_response(form or routes.default, 401, "Incorrect API key provided"))
        return self._post(client, path, port) if method == "POST" else self._get(client, method, path)

    def not_http(self) -> bytes:
        """What comes before the connection is closed on one who does not speak HTTP."""
        return error_response(self._routes.default, 400, "not HTTP", close=True)

    def _post(self, client: Client, path: str, port: int) -> Said | Told:
        if (form := self._routes.chat_format(path)) is not None:
            return self._chat(client, form, path, port)
        if (embedding := self._routes.embedding_form(path)) is not None:
            return self._embed(client, embedding, path)
        return self._unknown("POST", path)

    def _get(self, client: Client, method: str, path: str) -> Said | Told:
        if method != "GET":
            return self._unknown(method, path)
        if (later := self._later.at(path)) is not None:
            return self._reply(client, *later)
        if self._routes.is_model_list(path):
            return Said(json_response(200, model_list(self._behaviour.model, path)))
        return Said(json_response(200, {"status": "ok"})) if path == "/health" else self._unknown(method, path)

    def _unknown(self, method: str, path: str) -> Said:
        form = self._routes.chat_format(path) or self._routes.default
        return Said(error_response(form, 404, self._routes.unknown(method, path)))

    def _chat(self, client: Client, form: Format, path: str, port: int) -> Said | Told:
        try:
            ask = form.ask(path, msgspec.json.decode(client.body))
        except (ValueError, RecursionError) as error:
            return Said(error_response(form, form.wrong_status, f"wrong body: {error}"))
        return self._accept_stream(client, form, ask, port) if ask.is_fetched else self._reply(client, form, ask)

    def _accept_stream(self, client: Client, form: Format, ask: Ask, port: int) -> Said:
        """Say where the stream is; it is a request of its own."""
        response_id = f"prediction-sim-{self._behaviour.seed}-{next(self._accepted)}"
        host = client.host.decode("latin-1") or f"{self._behaviour.host}:{port}"
        scheme = "https" if client.tls is not None else "http"
        address = f"{scheme}://{host}{self._later.keep(response_id, form, ask)}"
        return Said(json_response(form.whole_status, form.accepted(response_id, ask, address)))

    def _reply(self, client: Client, form: Format, ask: Ask) -> Told:
        number = next(self._numbers)
        response_id = f"chatcmpl-sim-{self._behaviour.seed}-{number}"
        said = script(ask, self._behaviour, self._count, response_id)
        if limit := self._behaviour.rate_limit:
            headers = form.rate_headers(limit, max(0, limit - number - 1))
            said = msgspec.structs.replace(said, told=said.told.with_headers(headers))
        plan = course(self._behaviour, number, said.tokens)
        images, sounds = ask.attached
        truth = Truth(
            response_id,
            client.arrived_unix_ns,
            fault=plan.fault,
            images=images or msgspec.UNSET,
            sounds=sounds or msgspec.UNSET,
        )
        pings = self._behaviour.pings
        return Told(chat_steps(form, Answer(form, said), plan, stream=ask.stream, ping_every=pings), truth)

    def _embed(self, client: Client, form: EmbeddingForm, path: str) -> Said | Told:
        try:
            body = form.read(bytes(client.body), path)
        except (ValueError, RecursionError) as error:
            return Said(error_response(form.errors, 400, f"wrong body: {error}"))
        number = next(self._numbers)
        response_id = f"embd-sim-{self._behaviour.seed}-{number}"
        plan = course(self._behaviour, number, 1)
        whole = json_response(200, form.write(body, response_id, self._count, path))
        return Told(whole_steps(whole, plan, form.errors), Truth(response_id, client.arrived_unix_ns, fault=plan.fault))
