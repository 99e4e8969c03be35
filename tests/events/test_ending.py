"""Tasks end, also those that lose a cancellation."""

import asyncio

from app.events.ending import end


async def test_a_task_that_loses_its_first_cancellation_ends_too() -> None:
    begun = asyncio.Event()

    async def stubborn() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    async def failing() -> None:
        raise OSError("gone")

    tasks = [asyncio.create_task(stubborn()), asyncio.create_task(failing())]
    await begun.wait()
    async with asyncio.timeout(10):
        await end([*tasks, None])
    assert all(task.done() for task in tasks)
