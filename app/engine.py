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
from urllib.parse import urlsplit

from app.adapters import registry
from app.adapters.addressing import addressed
from app.adapters.base import Adapter, ChatRequest, Message, ReplyDecoder
from app.datasets import synthetic
from app.loadgen.clock import monotonic_ns, realtime_ns
from app.loadgen.connection import Address
from app.loadgen.frames import Failed, Stop
from app.loadgen.http1 import request_bytes
from app.loadgen.pipe import FramePipe
from app.loadgen.plan import Endpoint, Plan, Prompts, Synthetic
from app.loadgen.poller import READABLE, new_poller
from app.loadgen.pool import Pool
from app.loadgen.session import Session

_CACHED_MESSAGES = 256


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
    adapter = registry.get(plan.endpoint.adapter)
    url = urlsplit(plan.endpoint.base_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError(f"base_url must be http://… or https://…, not {plan.endpoint.base_url!r}")
    began_ns = monotonic_ns()
    addresses, unresolved = _resolve(plan.endpoint, url.hostname, url.port or (443 if url.scheme == "https" else 80))
    dns_ns = 0 if plan.endpoint.addresses else monotonic_ns() - began_ns
    poller = new_poller()
    context = _tls_context(plan.endpoint) if url.scheme == "https" else None
    keep_text = plan.save_responses

    def new_decoder(status: int, content_type: str) -> ReplyDecoder:
        return adapter.decoder(status, content_type, keep_text=keep_text)

    watch: dict[int, Callable[[int], None]] = {}
    session = Session(
        plan,
        poller=poller,
        pool=Pool(poller, addresses, context, url.hostname, unresolved),
        message=_messages(plan, adapter, url.netloc.rpartition("@")[2], url.path.rstrip("/")),
        new_decoder=new_decoder,
        emit=pipe.write,
        watch=watch,
        dns_ns=dns_ns,
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


def _messages(plan: Plan, adapter: Adapter, host: str, base_path: str) -> Callable[[int], bytes]:
    """Arrival number → request bytes; prompts are taken in turn, or made up and unique."""
    workload, sampling = plan.workload, dict(plan.sampling)
    system = sampling.pop("system", None)
    stop = sampling.pop("stop", None)
    before = (Message("system", system),) if system else ()
    kept: dict[int, bytes] = {}
    output_tokens = round(workload.output_tokens.mean) if isinstance(workload, Synthetic) else None

    def make(prompt: str) -> bytes:
        request = ChatRequest(
            model=plan.endpoint.model,
            messages=(*before, Message("user", prompt)),
            stop=tuple(stop) if stop else None,
            output_tokens=output_tokens,
            **sampling,
        )
        key = plan.endpoint.api_key
        method, target, headers, body = addressed(
            adapter, adapter.encode(request, key), host, base_path, key, realtime_ns() / 1e9
        )
        return request_bytes(method, target, host, [*headers, *plan.endpoint.headers.items()], body)

    def message(number: int) -> bytes:
        if isinstance(workload, Synthetic):
            return make(synthetic.prompt(plan.seed, number, round(workload.input_tokens.mean)))
        assert isinstance(workload, Prompts)
        which = number % len(workload.prompts)
        made = kept.get(which)
        if made is None:
            made = make(workload.prompts[which])
            if len(kept) < _CACHED_MESSAGES and not adapter.is_signed:
                kept[which] = made
        return made

    message(plan.shard)  # a wrong header or field shows before the run, not in it
    return message


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
