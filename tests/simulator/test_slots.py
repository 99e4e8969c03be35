"""A simulator with slots: later requests wait, and the truth log says so."""

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from app.simulator.slots import Slots
from tests.loadgen.servers import simulator

BODY = {"model": "m", "messages": [{"role": "user", "content": "one two"}], "stream": True}


def test_the_queue_is_first_come_first_served() -> None:
    slots: Slots[str] = Slots(2)
    assert [slots.enter(one) for one in "abcde"] == [True, True, False, False, False]
    assert slots.leave("d") is None  # it gave up waiting
    assert slots.leave("a") == "c"
    assert slots.leave("b") == "e"
    assert slots.leave("c") is None
    assert slots.enter("f")
    assert not slots.enter("g")


def test_no_limit_keeps_nobody_waiting() -> None:
    slots: Slots[int] = Slots(0)
    assert all(slots.enter(one) for one in range(1_000))
    assert slots.leave(1) is None


async def test_requests_beyond_the_slots_wait(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    options = ("--ttft-ms", "50", "--itl-ms", "10", "--tokens", "6", "--slots", "2", "--log", str(log))
    with simulator(*options) as port:
        async with httpx.AsyncClient(timeout=20) as client:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            answers = await asyncio.gather(*(client.post(url, json=BODY) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    truths = [json.loads(line) for line in log.read_text().splitlines()]
    ttft_ms = sorted((one["chunk_ns"][0] - one["request_ns"]) / 1e6 for one in truths)
    assert len(ttft_ms) == 6
    # Pairs take 100 ms each: 50 to the first token, 50 for the rest.
    for position, least in enumerate((50, 50, 150, 150, 250, 250)):
        assert ttft_ms[position] >= least - 5


async def test_who_goes_away_gives_the_place_back() -> None:
    with simulator("--ttft-ms", "300", "--itl-ms", "1", "--tokens", "2", "--slots", "1") as port:
        url = f"http://127.0.0.1:{port}/v1/chat/completions"
        async with httpx.AsyncClient(timeout=20) as client:
            for _ in range(3):  # a holder and those who wait, all giving up
                with pytest.raises(httpx.ReadTimeout):
                    await client.post(url, json=BODY, timeout=0.05)
            assert (await client.post(url, json=BODY)).status_code == 200
