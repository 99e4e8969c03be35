"""The bytes of requests: pure functions of seed and number, as long and as unique as asked, and quickly made."""

import json
import time
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters import registry
from app.datasets import synthetic
from app.datasets.conversations import Script
from app.datasets.requests import RequestWriter, message_of
from app.datasets.words import WORDS
from app.loadgen.plan import (
    Conversations,
    Embeddings,
    Lengths,
    Plan,
    Prompts,
    Synthetic,
    TokenModel,
    Trace,
    Turn,
    Workload,
)
from tests.loadgen.runs import plan

KIND = registry.kind("openai-compatible")
TEN = Lengths(mean=10)


def writer(wanted: Plan) -> RequestWriter:
    return RequestWriter(wanted, KIND.adapter, KIND.embeddings)


def bodies(workload: Workload, count: int = 8, *, seed: int = 3, **fields: Any) -> list[Any]:
    wanted = plan(80, workload=workload, seed=seed, **fields)
    message = message_of(wanted, writer(wanted))
    return [json.loads(message(number).partition(b"\r\n\r\n")[2]) for number in range(count)]


def prompts(workload: Workload, count: int = 8, **fields: Any) -> list[str]:
    return [body["messages"][-1]["content"] for body in bodies(workload, count, **fields)]


def in_common(one: list[str], other: list[str]) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def test_the_words_are_as_many_as_a_byte_has_values() -> None:
    assert len(WORDS) == len(set(WORDS)) == 256
    assert all(word.isalpha() and word.islower() for word in WORDS)


@pytest.mark.parametrize(
    "workload",
    [
        Synthetic(Lengths("normal", 40, 10, 1, 99), Lengths("uniform", 5, minimum=1, maximum=9)),
        Synthetic(TEN, TEN, 3, 20, 0.5),
        Trace((10, 20, 30), (1, 2, 3), ((1,), (1, 2), (3,)), 8),
        Embeddings(input_tokens=Lengths("lognormal", 20, 9, 1, 99), batch_size=3),
        Prompts(("a", "b", "c")),
    ],
)
def test_a_request_depends_on_seed_and_number_alone(workload: Workload) -> None:
    wanted = plan(80, workload=workload, seed=5)
    forwards, backwards = message_of(wanted, writer(wanted)), message_of(wanted, writer(wanted))
    there = [forwards(number) for number in range(12)]
    back = [backwards(number) for number in reversed(range(12))]
    assert there == back[::-1]
    if not isinstance(workload, Prompts):
        other = plan(80, workload=workload, seed=6)
        assert there != [message_of(other, writer(other))(number) for number in range(12)]


def test_made_up_prompts_differ_from_their_first_word_on_and_are_as_long_as_asked() -> None:
    made = prompts(Synthetic(TEN, TEN), 20_000)
    assert len({prompt.split(" ")[0] for prompt in made}) == 20_000
    assert {len(prompt.split()) for prompt in made} == {10}
    calibrated = Synthetic(Lengths(mean=137), TEN, tokens=TokenModel(1.3, 7, "usage"))
    assert {len(prompt.split()) for prompt in prompts(calibrated)} == {100}
    assert {len(prompt.split()) for prompt in prompts(Synthetic(Lengths(mean=1), TEN))} == {1}


@given(seed=st.integers(0, 2**63 - 1), first=st.integers(0, 2**40), count=st.integers(1, 300))
def test_markers_never_repeat(seed: int, first: int, count: int) -> None:
    assert len({synthetic.marker(seed, first + number) for number in range(count)}) == count


@given(shorter=st.integers(1, 300), more=st.integers(0, 300))
def test_a_longer_text_of_the_same_name_continues_the_shorter(shorter: int, more: int) -> None:
    shared = synthetic.SharedTexts(1)
    short, long = shared.text("x", 7, shorter).split(), shared.text("x", 7, shorter + more).split()
    assert (len(short), len(long)) == (shorter, shorter + more)
    assert long[:shorter] == short


def test_prefixes_are_shared_within_a_group_and_nowhere_else() -> None:
    made = prompts(Synthetic(TEN, TEN, 4, 30), 400)
    heads = [tuple(prompt.split()[:30]) for prompt in made]
    assert len(set(heads)) == 4
    assert all(60 < heads.count(head) < 140 for head in set(heads))
    assert len({head[0] for head in set(heads)}) == 4
    assert len({prompt.split()[30] for prompt in made}) == 400
    assert {len(prompt.split()) for prompt in made} == {40}


def test_uniqueness_is_the_share_of_prompts_that_nobody_else_sends() -> None:
    made = prompts(Synthetic(Lengths("uniform", 10, minimum=5, maximum=15), TEN, 5, 30, 0.6), 1000)
    alone = sum(made.count(prompt) == 1 for prompt in set(made))
    assert 540 < alone < 660
    assert len({prompt for prompt in made if made.count(prompt) > 1}) == 5
    assert len(set(prompts(Synthetic(TEN, TEN, 5, 30, 0.0), 200))) == 5


def test_a_trace_shares_equal_leading_blocks() -> None:
    blocks = ((1, 2, 3), (1, 2, 9), (1, 5), (7,), (1, 2, 3), ())
    made = prompts(Trace((300, 300, 250, 90, 300, 40), (1, 2, 3, 4, 5, 6), blocks, 100), 6)
    words = [prompt.split() for prompt in made]
    assert [len(one) for one in words] == [300, 300, 250, 90, 300, 40]
    assert in_common(words[0], words[1]) == 200
    assert in_common(words[0], words[2]) == 100
    assert not in_common(words[0], words[3])
    assert words[0] == words[4]
    assert [body["max_tokens"] for body in bodies(Trace((9,) * 3, (1, 2, 3)), 5)] == [1, 2, 3, 1, 2]


def test_a_trace_that_comes_round_again_shares_nothing_with_its_first_round() -> None:
    made = prompts(Trace((200, 200), (1, 1), ((1, 2), (1, 3)), 100), 4)
    words = [prompt.split() for prompt in made]
    assert in_common(words[0], words[1]) == in_common(words[2], words[3]) == 100
    assert not in_common(words[0], words[2])


@given(
    lengths=st.lists(st.tuples(st.integers(1, 500), st.lists(st.integers(0, 3), max_size=6)), min_size=1, max_size=5),
    block=st.integers(1, 100),
    per_word=st.floats(0.5, 3),
    overhead=st.integers(0, 20),
)
def test_a_trace_keeps_its_lengths_whatever_its_blocks(
    lengths: list[tuple[int, list[int]]], block: int, per_word: float, overhead: int
) -> None:
    model = TokenModel(per_word, overhead, "usage")
    inputs = tuple(length for length, _ in lengths)
    workload = Trace(inputs, (1,) * len(inputs), tuple(tuple(blocks) for _, blocks in lengths), block, model)
    for wanted, prompt in zip(inputs, prompts(workload, len(inputs)), strict=True):
        assert len(prompt.split()) == max(1, round((wanted - overhead) / per_word))


def test_given_prompts_and_message_lists() -> None:
    listed = Prompts(("one", "two"), output_tokens=(0, 9))
    first, second, third = bodies(listed, 3, sampling={"system": "be brief", "max_tokens": 5})
    assert first["messages"] == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one"}]
    assert (first["max_tokens"], second["max_tokens"]) == (5, 9)
    assert first == third
    own = (Turn("system", "mine"), Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"))
    (body,) = bodies(Prompts(message_lists=(own,)), 1, sampling={"system": "be brief"})
    assert [message["content"] for message in body["messages"]] == ["mine", "a", "b", "c"]


def test_embeddings_take_texts_in_turn_in_batches() -> None:
    given_texts = bodies(Embeddings(("a", "b", "c"), batch_size=2), 3, sampling={"extra": {"dimensions": 8}})
    assert [body["input"] for body in given_texts] == [["a", "b"], ["c", "a"], ["b", "c"]]
    assert {body["dimensions"] for body in given_texts} == {8}
    made = bodies(Embeddings(input_tokens=TEN, batch_size=4), 50)
    texts = [text for body in made for text in body["input"]]
    assert len({text.split()[0] for text in texts}) == 200
    assert {len(text.split()) for text in texts} == {10}


def test_made_up_conversations_are_drawn_by_number() -> None:
    workload = Conversations(
        turns=3, input_tokens=Lengths("uniform", minimum=5, maximum=9), output_tokens=TEN, think_ms=Lengths(mean=250)
    )
    wanted = plan(80, workload=workload)
    script = Script(workload, 1, writer(wanted))
    talk = script.open(4)
    asked = []
    for turn in range(3):
        asked.append(json.loads(talk.ask().partition(b"\r\n\r\n")[2]))
        talk.answered(f"answer {turn}")
    assert [len(body["messages"]) for body in asked] == [1, 3, 5]
    assert asked[2]["messages"][1::2] == [{"role": "assistant", "content": f"answer {turn}"} for turn in (0, 1)]
    users = asked[2]["messages"][::2]
    assert len({message["content"].split()[0] for message in users}) == 3
    assert (script.first_number(4), script.turns(4), script.think_ns(13)) == (12, 3, 250_000_000)


def test_requests_are_made_quickly_and_long_ones_in_linear_time() -> None:
    def cpu_s(tokens: int, count: int) -> float:
        wanted = plan(80, workload=Synthetic(Lengths(mean=tokens), TEN))
        message = message_of(wanted, writer(wanted))
        message(0)
        began = time.process_time()
        for number in range(1, count + 1):
            message(number)
        return (time.process_time() - began) / count

    assert cpu_s(512, 500) < 0.001
    short, long = min(cpu_s(20_000, 5) for _ in range(3)), min(cpu_s(400_000, 2) for _ in range(3))
    assert long < 20 * short * 4
