"""Many questions of one kind, asked together: what comes while one is under way waits and goes with the next.

Nothing is remembered. Each question begins after the last of its askers came, so an answer is as new as if its asker
had asked alone; what is saved is round trips, and only where several would be under way at once. A question that takes
long does not hold up the next: there are several lanes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextvars import Context
from itertools import islice
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")

MOST_AT_ONCE = 500
PATIENCE_SECONDS = 0.05
"""Many times what a read by key takes; a question that takes longer is left to itself, and the next one begins."""


class Gathering(Generic[Key, Found]):
    """Asks `find` for up to `most` keys at once, on up to `lanes` calls. Belongs to one event loop."""

    def __init__(
        self,
        find: Callable[[Sequence[Key]], Awaitable[Mapping[Key, Found]]],
        most: int = MOST_AT_ONCE,
        lanes: int = 1,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._find = find
        self._most = most
        self._lanes = lanes
        self._patience_seconds = patience_seconds
        self._waiting: dict[Key, list[asyncio.Future[Found | None]]] = {}
        self._asking: asyncio.Task[None] | None = None
        self._under_way: set[asyncio.Task[None]] = set()

    async def ask(self, key: Key) -> Found | None:
        """What `find` has for the key, or None; raises what `find` raises."""
        answer: asyncio.Future[Found | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(answer)
        if self._asking is None:
            # In a context of its own: what is asked for several requests belongs to none of them.
            self._asking = asyncio.create_task(self._ask_on(), name="gathered-reads", context=Context())
        return await answer

    async def close(self) -> None:
        """Give up what is under way; who waits for it is cancelled."""
        ending = [task for task in (self._asking, *self._under_way) if task is not None]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _ask_on(self) -> None:
        try:
            while self._waiting:
                if len(self._under_way) >= self._lanes:
                    await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
                    continue
                keys = list(islice(self._waiting, self._most))
                question = asyncio.create_task(self._answer({key: self._waiting.pop(key) for key in keys}))
                self._under_way.add(question)
                question.add_done_callback(self._under_way.discard)
                await asyncio.wait({question}, timeout=self._patience_seconds)
        finally:
            self._asking = None
            for answer in (answer for answers in self._waiting.values() for answer in answers):
                answer.cancel()
            self._waiting.clear()

    async def _answer(self, asked: Mapping[Key, Sequence["asyncio.Future[Found | None]"]]) -> None:
        try:
            found = await self._find(list(asked))
        except Exception as error:  # noqa: BLE001  (each asker gets it)
            for answer in _still_awaited(asked):
                answer.set_exception(error)
        except BaseException:
            for answer in _still_awaited(asked):
                answer.cancel()
            raise
        else:
            for key, answers in asked.items():
                for answer in answers:
                    if not answer.done():
                        answer.set_result(found.get(key))


def _still_awaited(
    asked: Mapping[Key, Sequence["asyncio.Future[Found | None]"]],
) -> list["asyncio.Future[Found | None]"]:
    return [answer for answers in asked.values() for answer in answers if not answer.done()]
