"""What is called on a worker: a function by name, its argument as bytes.

So the scheduler, which unpacks what it passes on, needs to import nothing of the benchmarks (that takes seconds, in
which it answers nobody).
"""

import pickle
from collections.abc import Awaitable, Callable
from typing import Any

from app.core.errors import NotFoundError

_functions: dict[str, Callable[[Any], Awaitable[bytes]]] = {}


def offer(name: str, function: Callable[[Any], Awaitable[bytes]]) -> None:
    """Let `call` reach a function of this process."""
    _functions[name] = function


def packed(argument: object) -> bytes:
    """An argument for `call`."""
    return pickle.dumps(argument)


async def call(name: str, argument: bytes) -> bytes:
    """Call an offered function; raises `NotFoundError` for another."""
    try:
        function = _functions[name]
    except KeyError:
        raise NotFoundError(f"this worker knows no {name}") from None
    return await function(pickle.loads(argument))  # noqa: S301  (as all that Dask carries; hence mutual TLS)
