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
from collections.abc import Callable
from types import FrameType

import httptools

from app.loadgen.lag import LagHistogram
from app.loadgen.poller import READABLE, WRITABLE, new_poller
from app.simulator.behaviour import Behaviour
from app.simulator.connection import Client
from app.simulator.desk import Desk, Said
from app.simulator.slots import Slots
from app.simulator.steps import RESET
from app.simulator.tls import ServerTls, server_context
from app.simulator.truth import TruthLog

_READ_BYTES = 65536
_SLEEP_NS = 1_200_000  # poll() counts in milliseconds; what is left after that is slept exactly
_FLUSH_NS = 200_000_000
_SO_TIMESTAMPNS = 35
_PR_SET_TIMERSLACK = 29


class Simulator:
    """Serves until `stop` is called or a signal that `run` handles arrives."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._desk = Desk(behaviour)
        self._log = TruthLog(behaviour.log)
        self._requests_log = TruthLog(behaviour.requests_log)
        self._events = new_poller()
        self._clients: dict[int, Client] = {}
        self._due: list[tuple[int, int, Client]] = []
        self._tie = itertools.count()
        self._slots: Slots[Client] = Slots(behaviour.slots)
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
            client = Client(sock, ServerTls(self._tls) if self._tls else None, self._on_request)
            self._clients[client.fd] = client
            self._events.register(client.fd, READABLE)

    def _read(self, client: Client) -> None:
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
            client.closes = True
            self._send(client, self._desk.not_http())

    def _drop(self, client: Client) -> None:
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

    # ---------------------------------------------------------------- answers

    def _on_request(self, client: Client) -> None:
        said = self._desk.answer(client, self.port)
        if isinstance(said, Said):
            client.closes = client.closes or said.closes
            self._send(client, said.data)
            return
        self.requests += 1
        client.steps, client.truth = said.steps, said.truth
        if client.body:
            self._requests_log.write_raw(said.truth.response_id, bytes(client.body))
        self._admit(client)

    def _admit(self, client: Client) -> None:
        """Let a request take a slot, or wait for one."""
        client.begun_mono_ns = client.arrived_mono_ns
        if self._slots.enter(client):
            self._begin(client)

    def _begin(self, client: Client) -> None:
        first = self._next_step(client)
        if first is not None:
            heapq.heappush(self._due, first)

    def _next_step(self, client: Client) -> tuple[int, int, Client] | None:
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

    def _send_step(self, client: Client) -> tuple[int, int, Client] | None:
        step, truth = client.step, client.truth
        if client.is_closed or step is None or truth is None:
            return None
        if step[1] == RESET:
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

    def _finish(self, client: Client) -> None:
        if client.truth is not None:
            self._log.write(client.truth)
            client.truth = None
            if (following := self._slots.leave(client)) is not None:
                following.begun_mono_ns = time.monotonic_ns()
                self._begin(following)

    def _send(self, client: Client, data: bytes) -> int:
        return self._send_raw(client, data if client.tls is None else client.tls.seal(data))

    def _send_raw(self, client: Client, data: bytes) -> int:
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

    def _flush(self, client: Client) -> None:
        data, client.outgoing = client.outgoing, b""
        if data:
            self._send_raw(client, data)
        if not client.outgoing and not client.is_closed:
            self._events.modify(client.fd, READABLE)


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
