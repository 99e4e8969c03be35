"""Ending background tasks for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 1.0


async def end(tasks: Iterable[asyncio.Task[Any] | None]) -> None:
    """Cancel the tasks and wait until they have ended, whatever they raise.

    Again and again, because a cancellation that meets a time-out in the same moment is lost in Python 3.11's
    `asyncio.timeout` and in clients with time-outs of their own: such a task goes on, and one who waits hangs.
    """
    left = {task for task in tasks if task is not None}
    while left:
        for task in left:
            task.cancel()
        ended, left = await asyncio.wait(left, timeout=AGAIN_SECONDS)
        for task in ended:
            if not task.cancelled():
                task.exception()  # seen: nobody else asks for it
