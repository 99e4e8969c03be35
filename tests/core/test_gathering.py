"""Questions that are asked together: as new as if each had been asked alone, and nobody's failure but one's own."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from app.core.gathering import Gathering


class Table:
    """A table that is read slowly: each read sees what is there when it begins, and ends when it is told to."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.asked: list[list[str]] = []
        self.fails: Exception | None = None
        self._turn = asyncio.Semaphore(0)

    async def find(self, keys: Sequence[str]) -> Mapping[str, int]:
        self.asked.append(list(keys))
        seen = dict(self.rows)
        await self._turn.acquire()
        if self.fails is not None:
            raise self.fails
        return {key: seen[key] for key in keys if key in seen}

    async def let_go(self, times: int = 1) -> None:
        for _ in range(times):
            self._turn.release()
        for _ in range(5):
            await asyncio.sleep(0)


async def begun(*questions: asyncio.Task[int | None]) -> None:
    for _ in range(6):
        await asyncio.sleep(0)
    assert not any(question.done() for question in questions)


async def test_who_comes_later_never_gets_an_older_answer() -> None:
    table = Table()
    reads = Gathering(table.find)
    table.rows["a"] = 1
    early = asyncio.create_task(reads.ask("a"))
    await begun(early)
    table.rows["a"] = 2  # committed while the first read is under way
    late = [asyncio.create_task(reads.ask(key)) for key in ("a", "b", "a")]
    await begun(early, *late)
    await table.let_go(2)
    assert await early == 1
    assert [await question for question in late] == [2, None, 2]
    assert table.asked == [["a"], ["a", "b"]]


async def test_no_question_has_more_keys_than_allowed() -> None:
    table = Table()
    reads = Gathering(table.find, most=2)
    questions = [asyncio.create_task(reads.ask(key)) for key in "abcde"]
    await begun(*questions)
    await table.let_go(3)
    assert await asyncio.gather(*questions) == [None] * 5
    assert [len(keys) for keys in table.asked] == [2, 2, 1]


async def test_a_failure_reaches_those_who_asked_and_no_others() -> None:
    table = Table()
    reads = Gathering(table.find)
    table.fails = OSError("gone")
    questions = [asyncio.create_task(reads.ask(key)) for key in "ab"]
    await begun(*questions)
    await table.let_go()
    for question in questions:
        with pytest.raises(OSError, match="gone"):
            await question
    table.fails, table.rows["a"] = None, 3
    again = asyncio.create_task(reads.ask("a"))
    await begun(again)
    await table.let_go()
    assert await again == 3


async def test_who_leaves_takes_nobody_along() -> None:
    table = Table()
    table.rows["a"] = 1
    reads = Gathering(table.find)
    leaving, staying = (asyncio.create_task(reads.ask("a")) for _ in range(2))
    await begun(leaving, staying)
    leaving.cancel()
    await table.let_go()
    assert await staying == 1
    assert leaving.cancelled()


async def test_closing_keeps_nobody_waiting() -> None:
    table = Table()
    reads = Gathering(table.find)
    first = asyncio.create_task(reads.ask("a"))
    await begun(first)
    second = asyncio.create_task(reads.ask("b"))
    await begun(second)
    await reads.close()
    for question in (first, second):
        with pytest.raises(asyncio.CancelledError):
            await question


async def test_a_question_that_hangs_holds_up_nobody_who_comes_later() -> None:
    let_go = asyncio.Event()
    under_way, most_under_way = 0, 0

    async def find(keys: Sequence[str]) -> Mapping[str, int]:
        nonlocal under_way, most_under_way
        under_way += 1
        most_under_way = max(most_under_way, under_way)
        if "hanging" in keys:
            await let_go.wait()
        under_way -= 1
        return dict.fromkeys(keys, 1)

    reads = Gathering(find, lanes=2, patience_seconds=0.01)
    hanging = asyncio.create_task(reads.ask("hanging"))
    await begun(hanging)
    async with asyncio.timeout(20):
        for _ in range(3):
            assert await reads.ask("b") == 1
        assert not hanging.done()
        others = [asyncio.create_task(reads.ask(key)) for key in ("hanging", "c")]
        await asyncio.wait(others, timeout=0.1)
        later = asyncio.create_task(reads.ask("d"))  # both lanes are taken now
        await asyncio.wait({later}, timeout=0.1)
        assert not later.done()
        let_go.set()
        assert await asyncio.gather(hanging, later, *others) == [1, 1, 1, 1]
    assert most_under_way == 2
    await reads.close()
