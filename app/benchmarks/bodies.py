"""Arrival number → request body: the very bytes that the engine sends. The one place that bundles take bodies from."""

from collections.abc import Callable
from math import gcd

from app.adapters import registry
from app.datasets.requests import RequestWriter, message_of
from app.loadgen.plan import Conversations, Embeddings, Plan, Prompts

_HEAD_END = b"\r\n\r\n"


def message_maker(plan: Plan) -> Callable[[int], bytes] | None:
    """The function that makes the whole request of arrival `number`; None where it depends on the answers before it.

    Raises:
        UnknownKindError: there is no such kind of provider.
        ValueError: this kind cannot be asked so.
    """
    if isinstance(plan.workload, Conversations):
        return None
    kind = registry.kind(plan.endpoint.adapter, plan.endpoint.definition)
    message = message_of(plan, RequestWriter(plan, kind.adapter, kind.embeddings))
    message(0)  # what cannot be asked shows now, as in the engine
    return message


def split(message: bytes) -> tuple[str, str, list[tuple[str, str]], bytes]:
    """Method, target, headers and body of a request."""
    head, _, body = message.partition(_HEAD_END)
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return method, target, headers, body


def body_of(plan: Plan) -> Callable[[int], bytes] | None:
    """The function that makes the body of arrival `number`; as `message_maker`."""
    message = message_maker(plan)
    return None if message is None else lambda number: message(number).partition(_HEAD_END)[2]


def distinct_bodies(plan: Plan) -> int | None:
    """After how many arrivals bodies come again; None when they never do."""
    workload = plan.workload
    if isinstance(workload, Prompts):
        return len(workload.message_lists or workload.prompts)
    if isinstance(workload, Embeddings) and workload.texts:
        return len(workload.texts) // gcd(len(workload.texts), workload.batch_size)
    return None
