"""The simulator's loop: sockets and absolute deadlines, nothing else, so that it is not what a benchmark measures."""

import contextlib
import ctypes
import heapq
import itertools
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType

import httptools
import msgspec

from app.loadgen.lag import LagHistogram
from app.loadgen.poller import READABLE, WRITABLE, new_poller
from app.simulator.behaviour import Behaviour, Course, course
from app.simulator.counting import TokenCount
from app.simulator.embedding_formats import EmbeddingForm
from app.simulator.formats import Answer, Format, error_response, json_response, refusal_response
from app.simulator.later_streams import LaterStreams
from app.simulator.routes import KEY_HEADERS, Routes, is_right_key, model_list
from app.simulator.script import Ask, script
from app.simulator.slots import Slots
from app.simulator.tls import ServerTls, server_context
from app.simulator.truth import Truth, TruthLog

_BODY_LIMIT_BYTES = 64 * 2**20
_READ_BYTES = 65536
_SLEEP_NS = 1_200_000  # poll() counts in milliseconds; what is left after that is slept exactly
_FLUSH_NS = 200_000_000
_SO_TIMESTAMPNS = 35
_PR_SET_TIMERSLACK = 29
_RESET = b""
_STATUS_FAULTS = {
    "http_400": (400, "simulated bad request"),
    "http_403": (403, "simulated denial"),
    "http_404": (404, "simulated missing model"),
    "http_422": (422, "simulated wrong field"),
    "http_429": (429, "simulated rate limit"),
    "http_500": (500, "simulated failure"),
    "http_503": (503, "simulated unavailability"),
    "http_504": (504, "simulated gateway timeout"),
    "http_529": (529, "simulated overload"),
}
_INSTEAD_OF_A_STREAM = {*_STATUS_FAULTS, "context_length", "quota", "reset", "junk"}
_STALL_NS = 3600 * 10**9

Step = tuple[int, bytes, bool]
"""`(due in nanoseconds after arrival, bytes, whether they are a token)`; `_RESET` closes the connection."""


class _Client:
    """One connection: its parser, the request being read, the answer being sent."""

    def __init__(self, sock: socket.socket, tls: ServerTls | None, on_request: Callable[["_Client"], None]) -> None:
        self.sock = sock
        self.tls = tls
        self.fd = sock.fileno()
        self.outgoing = b""
        self.is_closed = False
        self.closes = False  # after what is outgoing has left
        self.steps: Iterator[Step] | None = None
        self.step: Step | None = None
        self.arrived_mono_ns = 0
        self.begun_mono_ns = 0  # when it got its slot
        self.arrived_unix_ns = 0
        self.truth: Truth | None = None
        self._on_request = on_request
        self.parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self.target = b""
        self.key = b""
        self.host = b""
        self.body = bytearray()
        self.is_too_large = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lower = name.lower()
        if lower in KEY_HEADERS:
            self.key = value
        elif lower == b"host":
            self.host = value

    def on_body(self, data: bytes) -> None:
        if len(self.body) + len(data) > _BODY_LIMIT_BYTES:
            self.is_too_large = True
        else:
            self.body += data

    def on_message_complete(self) -> None:
        self._on_request(self)


class Simulator:
    """Serves until `stop` is called or a signal that `run` handles arrives."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._routes = Routes(behaviour.spoken)
        self._later = LaterStreams()
        self._log = TruthLog(behaviour.log)
        self._requests_log = TruthLog(behaviour.requests_log)
        self._count = TokenCount(behaviour.tokens_per_word, behaviour.overhead_tokens)
        self._events = new_poller()
        self._clients: dict[int, _Client] = {}
        self._due: list[tuple[int, int, _Client]] = []
        self._tie = itertools.count()
        self._numbers = itertools.count()
        self._accepted = itertools.count()
        self._slots: Slots[_Client] = Slots(behaviour.slots)
        self._stopping = False
        self._owner_fd: int | None = None
        self.requests = 0
        self.send_lag = LagHistogram()  # due → handed to the socket, of every eighth send
        self._sends = 0
        self._tls = server_context(behaviour.certificate) if behaviour.certificate else None
        self._listener = socket.create_server((behaviour.host, behaviour.port), backlog=4096)
        self._listener.setblocking(False)
        self._events.register(self._listener.fileno(), READABLE)
        with contextlib.suppress(OSError):
            ctypes.CDLL(None).prctl(_PR_SET_TIMERSLACK, 1)  # sleeps end within microseconds instead of 50

    @property
    def port(self) -> int:
        """The port in force."""
        return int(self._listener.getsockname()[1])

    def stop(self) -> None:
        """End `run` at its next turn."""
        self._stopping = True

    def end_with(self, fd: int) -> None:
        """End `run` when the other end of this pipe closes; what comes through it is thrown away."""
        self._owner_fd = fd
        self._events.register(fd, READABLE)

    def run(self) -> None:
        """Serve until stopped; the truth log is complete when this returns."""
        flushed_ns = 0
        while not self._stopping:
            now = time.monotonic_ns()
            self._send_due(now)
            if now - flushed_ns > _FLUSH_NS:
                self._log.flush()
                self._requests_log.flush()
                flushed_ns = now
            left_ns = min(self._due[0][0] - time.monotonic_ns() if self._due else _FLUSH_NS, _FLUSH_NS)
            if 0 < left_ns < _SLEEP_NS:
                time.sleep(left_ns / 1e9)
                left_ns = 0
            for fd, mask in self._events.poll(max(0, left_ns - _SLEEP_NS) // 1_000_000 / 1000):
                self._serve(fd, mask)
        self.close()

    def close(self) -> None:
        """Close every socket and the log."""
        for client in list(self._clients.values()):
            self._drop(client)
        self._listener.close()
        self._events.close()
        self._log.close()
        self._requests_log.close()

    # ---------------------------------------------------------------- connections

    def _serve(self, fd: int, mask: int) -> None:
        client = self._clients.get(fd)
        if client is None:
            if fd == self._listener.fileno():
                self._accept()
            elif fd == self._owner_fd:
                self._stopping = self._stopping or not os.read(fd, _READ_BYTES)
            return
        if mask & WRITABLE:
            self._flush(client)
        if mask & ~WRITABLE and not client.is_closed:
            self._read(client)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:  # none left, or out of file descriptors: the rest wait in the queue
                return
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if sys.platform == "linux":
                sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            client = _Client(sock, ServerTls(self._tls) if self._tls else None, self._on_request)
            self._clients[client.fd] = client
            self._events.register(client.fd, READABLE)

    def _read(self, client: _Client) -> None:
        try:
            data, ancillary, _, _ = client.sock.recvmsg(_READ_BYTES, 64)
        except BlockingIOError:
            return
        except OSError:
            data, ancillary = b"", []
        if not data:
            self._drop(client)
            return
        now_unix, now_mono = time.time_ns(), time.monotonic_ns()
        stamp = ancillary[0][2] if ancillary else b""
        client.arrived_unix_ns = (
            int.from_bytes(stamp[:8], sys.byteorder) * 1_000_000_000 + int.from_bytes(stamp[8:16], sys.byteorder)
            if stamp
            else now_unix
        )
        client.arrived_mono_ns = now_mono - (now_unix - client.arrived_unix_ns)
        if client.tls is not None:
            data, reply, is_over = client.tls.open(data)
            if reply:
                self._send_raw(client, reply)
            if is_over:
                self._drop(client)
            if not data or client.is_closed:
                return
        try:
            client.parser.feed_data(data)
        except httptools.HttpParserError:
            self._answer(client, error_response(self._routes.default, 400, "not HTTP", close=True), close=True)

    def _drop(self, client: _Client) -> None:
        if client.is_closed:
            return
        client.is_closed = True
        client.steps = None
        self._clients.pop(client.fd, None)
        self._events.unregister(client.fd)
        client.sock.close()
        if client.truth is not None:
            client.truth.fault = client.truth.fault or "client_gone"
            self._finish(client)

    # ---------------------------------------------------------------- requests

    def _on_request(self, client: _Client) -> None:
        method = client.parser.get_method().decode()
        path = client.target.partition(b"?")[0].decode(errors="replace")
        routes = self._routes
        form = routes.chat_format(path)
        key = self._behaviour.api_key
        if client.is_too_large:
            self._answer(client, error_response(form or routes.default, 413, "body too large", close=True), close=True)
        elif key and not is_right_key(client.key.decode("latin-1"), key):
            self._answer(client, error_response(form or routes.default, 401, "Incorrect API key provided"))
        elif form is not None and method == "POST":
            self._chat(client, form, path)
        elif (embedding := routes.embedding_form(path)) is not None and method == "POST":
            self._embed(client, embedding, path)
        elif (later := self._later.at(path)) is not None and method == "GET":
            self._reply(client, *later)
        elif routes.is_model_list(path) and method == "GET":
            self._answer(client, json_response(200, model_list(self._behaviour.model)))
        elif path == "/health" and method == "GET":
            self._answer(client, json_response(200, {"status": "ok"}))
        else:
            self._answer(client, error_response(form or routes.default, 404, routes.unknown(method, path)))

    def _chat(self, client: _Client, form: Format, path: str) -> None:
        try:
            ask = form.ask(path, msgspec.json.decode(client.body))
        except (ValueError, RecursionError) as error:
            self._answer(client, error_response(form, 400, f"wrong body: {error}"))
            return
        if ask.is_fetched:
            self._accept_stream(client, form, ask)
        else:
            self._reply(client, form, ask)

    def _accept_stream(self, client: _Client, form: Format, ask: Ask) -> None:
        """Say where the stream is; it is a request of its own."""
        response_id = f"prediction-sim-{self._behaviour.seed}-{next(self._accepted)}"
        host = client.host.decode("latin-1") or f"{self._behaviour.host}:{self.port}"
        scheme = "https" if self._tls else "http"
        address = f"{scheme}://{host}{self._later.keep(response_id, form, ask)}"
        self._answer(client, json_response(form.whole_status, form.accepted(response_id, ask, address)))

    def _reply(self, client: _Client, form: Format, ask: Ask) -> None:
        number = next(self._numbers)
        self.requests += 1
        response_id = f"chatcmpl-sim-{self._behaviour.seed}-{number}"
        said = script(ask, self._behaviour, self._count, response_id)
        if limit := self._behaviour.rate_limit:
            headers = form.rate_headers(limit, max(0, limit - number - 1))
            said = msgspec.structs.replace(said, told=said.told.with_headers(headers))
        plan = course(self._behaviour, number, said.tokens)
        images, sounds = ask.attached
        client.truth = Truth(
            response_id,
            client.arrived_unix_ns,
            fault=plan.fault,
            images=images or msgspec.UNSET,
            sounds=sounds or msgspec.UNSET,
        )
        client.steps = _steps(form, Answer(form, said), plan, stream=ask.stream, ping_every=self._behaviour.pings)
        if client.body:
            self._requests_log.write_raw(response_id, bytes(client.body))
        self._admit(client)

    def _embed(self, client: _Client, form: EmbeddingForm, path: str) -> None:
        try:
            body = form.read(bytes(client.body), path)
        except (ValueError, RecursionError) as error:
            self._answer(client, error_response(form.errors, 400, f"wrong body: {error}"))
            return
        number = next(self._numbers)
        self.requests += 1
        response_id = f"embd-sim-{self._behaviour.seed}-{number}"
        plan = course(self._behaviour, number, 1)
        client.truth = Truth(response_id, client.arrived_unix_ns, fault=plan.fault)
        whole = json_response(200, form.write(body, response_id, self._count, path))
        client.steps = _whole(whole, plan, form.errors)
        self._requests_log.write_raw(response_id, bytes(client.body))
        self._admit(client)

    def _admit(self, client: _Client) -> None:
        """Let a request take a slot, or wait for one."""
        client.begun_mono_ns = client.arrived_mono_ns
        if self._slots.enter(client):
            self._begin(client)

    def _begin(self, client: _Client) -> None:
        first = self._next_step(client)
        if first is not None:
            heapq.heappush(self._due, first)

    def _next_step(self, client: _Client) -> tuple[int, int, _Client] | None:
        """The client's next entry in the queue of what is due; None when its answer is over."""
        client.step = next(client.steps, None) if client.steps is not None else None
        if client.step is None:
            client.steps = None
            self._finish(client)
            return None
        return client.begun_mono_ns + client.step[0], next(self._tie), client

    def _send_due(self, now: int) -> None:
        queue = self._due
        while queue and queue[0][0] <= now:
            following = self._send_step(queue[0][2])
            if following is None:
                heapq.heappop(queue)
            else:
                heapq.heapreplace(queue, following)  # half the work of taking one out and putting one in

    def _send_step(self, client: _Client) -> tuple[int, int, _Client] | None:
        step, truth = client.step, client.truth
        if client.is_closed or step is None or truth is None:
            return None
        if step[1] == _RESET:
            self._drop(client)
            return None
        stamp = self._send(client, step[1])
        self._sends += 1
        if not self._sends & 7:
            begun_unix_ns = client.arrived_unix_ns + client.begun_mono_ns - client.arrived_mono_ns
            self.send_lag.record(stamp - begun_unix_ns - step[0])
        if client.truth is None:  # the client went away
            return None
        truth.first_send_ns = truth.first_send_ns or stamp
        truth.end_ns = stamp
        if step[2]:
            truth.chunk_ns.append(stamp)
        return self._next_step(client)

    def _finish(self, client: _Client) -> None:
        if client.truth is not None:
            self._log.write(client.truth)
            client.truth = None
            if (following := self._slots.leave(client)) is not None:
                following.begun_mono_ns = time.monotonic_ns()
                self._begin(following)

    def _answer(self, client: _Client, data: bytes, *, close: bool = False) -> None:
        client.closes = client.closes or close
        self._send(client, data)

    def _send(self, client: _Client, data: bytes) -> int:
        return self._send_raw(client, data if client.tls is None else client.tls.seal(data))

    def _send_raw(self, client: _Client, data: bytes) -> int:
        stamp = time.time_ns()
        if client.outgoing:
            client.outgoing += data
            return stamp
        try:
            sent = client.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(client)
            return stamp
        if sent < len(data):
            client.outgoing = data[sent:]
            self._events.modify(client.fd, READABLE | WRITABLE)
        elif client.closes:
            self._drop(client)
        return stamp

    def _flush(self, client: _Client) -> None:
        data, client.outgoing = client.outgoing, b""
        if data:
            self._send_raw(client, data)
        if not client.outgoing and not client.is_closed:
            self._events.modify(client.fd, READABLE)


def _steps(form: Format, answer: Answer, plan: Course, *, stream: bool, ping_every: int) -> Iterator[Step]:
    if stream and plan.fault not in _INSTEAD_OF_A_STREAM:
        return _stream(answer, plan, ping_every)
    whole = answer.whole_failure() if plan.fault == "stream_error" else answer.whole()
    return _whole(whole, plan, form, is_token=True)


def _whole(answer: bytes, plan: Course, form: Format, *, is_token: bool = False) -> Iterator[Step]:
    first, last, fault = plan.offsets_ns[0], plan.offsets_ns[-1], plan.fault
    if fault in _STATUS_FAULTS:
        yield first, error_response(form, *_STATUS_FAULTS[fault]), False
    elif fault in {"context_length", "quota"}:
        yield first, refusal_response(form.too_long if fault == "context_length" else form.no_quota), False
    elif fault == "reset":
        yield first, _RESET, False
    elif fault == "junk":
        yield first, b"\x00\x01 this is not HTTP \xff\r\n\r\n", False
        yield first, _RESET, False
    else:
        yield last, answer, is_token


def _stream(answer: Answer, plan: Course, ping_every: int) -> Iterator[Step]:
    yield 0, answer.head(), False
    half = len(plan.offsets_ns) // 2 if plan.fault else -1
    ping = answer.ping() if ping_every else b""
    for number, offset in enumerate(plan.offsets_ns):
        if ping and number % ping_every == 0:
            yield offset, ping, False
        if number == half:
            if plan.fault == "stall":
                yield _STALL_NS, _RESET, False
            elif plan.fault == "stream_error":
                yield offset, answer.in_band_error(), False
            elif plan.fault == "cut":
                yield offset, answer.cut(), False
            else:
                yield offset, _RESET, False
            return
        yield offset, answer.token(number), True
    yield plan.offsets_ns[-1], answer.end(), False


def serve(behaviour: Behaviour, on_listening: Callable[[int], None], *, owner_fd: int | None = None) -> Simulator:
    """Run until SIGINT or SIGTERM; `on_listening` is told the port. Returns the stopped simulator with its counters.

    `owner_fd` is the reading end of a pipe that whoever started this holds open: when it closes, even because its
    owner was killed, the simulator ends too.

    Raises:
        OSError: the address cannot be bound, the log cannot be written, or the certificate cannot be read.
    """
    simulator = Simulator(behaviour)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        simulator.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    if owner_fd is not None:
        simulator.end_with(owner_fd)
    on_listening(simulator.port)
    simulator.run()
    return simulator
