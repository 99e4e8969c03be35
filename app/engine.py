"""The engine process: `python -m app.engine`. Wires plan, adapter and instrument, and talks frames over its pipes.

A plan comes in on stdin, frames go out on stdout, log lines on stderr. When stdin closes the engine exits at once: it
never outlives its owner. Imports stay light, because a shard's memory and start-up time are part of the measurement.
"""

import contextlib
import gc
import os
import resource
import socket
import ssl
import sys
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

import msgspec

from app.adapters import rate_limits, registry
from app.adapters.server_timings import server_timings
from app.datasets import conversations
from app.datasets.requests import RequestWriter, message_of
from app.loadgen.clock import monotonic_ns
from app.loadgen.connection import Address
from app.loadgen.conversations import Script
from app.loadgen.exchange import NewDecoder
from app.loadgen.frames import Failed, Stop
from app.loadgen.pipe import FramePipe
from app.loadgen.plan import Conversations, Embeddings, Endpoint, Plan
from app.loadgen.poller import READABLE, new_poller
from app.loadgen.pool import Pool
from app.loadgen.session import Session

_SIGNATURE_NS = 120 * 10**9  # services take them for five minutes; clocks differ, and retries come later


def main() -> int:
    """Run one plan; 0 when it ran, 1 when it could not."""
    pipe = FramePipe(sys.stdin.fileno(), os.dup(sys.stdout.fileno()))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a stray print must not break the frames
    plan = pipe.read_first()
    if not isinstance(plan, Plan):
        pipe.write_last(Failed("the first frame is not a plan"))
        return 1
    try:
        session, pipe_attach = _wire(plan, pipe)
    except (registry.UnknownKindError, ValueError, OSError) as error:
        pipe.write_last(Failed(str(error)))
        return 1
    pipe_attach(session)
    _own_the_process()
    pipe.write_last(session.run())
    return 0


def _wire(plan: Plan, pipe: FramePipe) -> tuple[Session, Callable[[Session], None]]:
    if isinstance(plan.workload, Embeddings):  # one body, so no time-out of a first token
        plan = msgspec.structs.replace(plan, sampling=plan.sampling | {"stream": False})
    if registry.get(plan.endpoint.adapter, plan.endpoint.definition).is_signed:
        plan = msgspec.structs.replace(plan, message_lifetime_ns=_SIGNATURE_NS)
    url = urlsplit(plan.endpoint.base_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError(f"base_url must be http://… or https://…, not {plan.endpoint.base_url!r}")
    began_ns = monotonic_ns()
    addresses, unresolved = _resolve(plan.endpoint, url.hostname, url.port or (443 if url.scheme == "https" else 80))
    dns_ns = 0 if plan.endpoint.addresses else monotonic_ns() - began_ns
    poller = new_poller()
    context = _tls_context(plan.endpoint) if url.scheme == "https" else None
    message, new_decoder = _requests(plan)
    watch: dict[int, Callable[[int], None]] = {}
    session = Session(
        plan,
        poller=poller,
        pool=Pool(poller, addresses, context, url.hostname, unresolved),
        message=message,
        new_decoder=new_decoder,
        emit=pipe.write,
        watch=watch,
        dns_ns=dns_ns,
        server_timings=server_timings,
        rate_limits=rate_limits.told,
    )

    def attach(session: Session) -> None:
        def on_stdin(_mask: int) -> None:
            for frame in pipe.read():
                if isinstance(frame, Stop):
                    session.stop(frame.reason, drain=frame.drain)

        on_stdin(READABLE)  # a Stop may have come together with the plan
        poller.register(pipe.read_fd, READABLE)
        watch[pipe.read_fd] = on_stdin
        pipe.attach(poller, watch)

    return session, attach


def _requests(plan: Plan) -> tuple[Callable[[int], bytes] | Script, NewDecoder]:
    """What is sent, and what decodes the answers."""
    kind, workload = registry.kind(plan.endpoint.adapter, plan.endpoint.definition), plan.workload
    writer = RequestWriter(plan, kind.adapter, kind.embeddings)
    if isinstance(workload, Conversations):
        script = conversations.Script(workload, plan.seed, writer)
        script.open(plan.shard).ask()  # a wrong header or field shows before the run, not in it
        return script, partial(kind.adapter.decoder, keep_text=True)
    message = message_of(plan, writer)
    message(plan.shard)
    if isinstance(workload, Embeddings) and kind.embeddings is not None:
        return message, partial(kind.embeddings.decoder, items=workload.batch_size)
    return message, partial(kind.adapter.decoder, keep_text=plan.save_responses)


def _resolve(endpoint: Endpoint, host: str, port: int) -> tuple[list[Address], str | None]:
    found: list[Address] = []
    problem = None
    for name in endpoint.addresses or (host,):
        try:
            infos = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except OSError as error:
            problem = f"{name}: {error.strerror or error}"
            continue
        found += [Address(family, sockaddr) for family, _, _, _, sockaddr in infos]
    return found, None if found else problem


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=endpoint.ca_file)
    if not endpoint.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _own_the_process() -> None:
    """No garbage collection, all the file descriptors there are: the loop makes no cycles and shall not pause."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.collect()
    gc.freeze()
    gc.disable()


if __name__ == "__main__":
    sys.exit(main())
