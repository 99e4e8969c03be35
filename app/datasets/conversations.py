"""Conversations as `loadgen.conversations` wants them: what each turn asks, with the server's own answers between."""

import random

from app.adapters.base import Message
from app.datasets import synthetic
from app.datasets.lengths import sampler, words_for
from app.datasets.numbering import TurnNumbers
from app.datasets.requests import RequestWriter
from app.loadgen.plan import Conversations, Turn

_NS_PER_MS = 1_000_000


def numbering(workload: Conversations) -> TurnNumbers:
    """The request numbers of a workload's turns."""
    if not workload.given:
        return TurnNumbers([workload.turns])
    return TurnNumbers([sum(turn.role == "user" for turn in turns) for turns in workload.given])


class Script:
    """All conversations of a run; implements `loadgen.conversations.Script`."""

    def __init__(self, workload: Conversations, seed: int, writer: RequestWriter) -> None:
        self._workload = workload
        self._seed = seed
        self._writer = writer
        self._numbers = numbering(workload)
        self._input_tokens = sampler(workload.input_tokens)
        self._output_tokens = sampler(workload.output_tokens)
        self._think_ms = sampler(workload.think_ms)

    def turns(self, conversation: int) -> int:
        return self._numbers.turns(conversation)

    def first_number(self, conversation: int) -> int:
        return self._numbers.first(conversation)

    def begun_by(self, requests: int) -> int:
        return self._numbers.begun_by(requests)

    def think_ns(self, number: int) -> int:
        rng = random.Random(f"think-{self._seed}-{number}")  # noqa: S311  (reproducible, not a secret)
        return self._think_ms(rng) * _NS_PER_MS

    def open(self, conversation: int) -> "Dialogue":
        given = self._workload.given
        first = self._numbers.first(conversation)
        if given:
            return Dialogue(self._writer, list(given[conversation % len(given)]), first)
        return Dialogue(self._writer, [self._made_up(first + turn) for turn in range(self._workload.turns)], first)

    def _made_up(self, number: int) -> Turn:
        rng = random.Random(f"request-{self._seed}-{number}")  # noqa: S311
        words = words_for(self._input_tokens(rng), self._workload.tokens)
        return Turn("user", synthetic.prompt(self._seed, number, words), self._output_tokens(rng))


class Dialogue:
    """One conversation under way: what was said, and what is still to be asked."""

    def __init__(self, writer: RequestWriter, planned: list[Turn], first_number: int) -> None:
        self._writer = writer
        self._number = first_number
        self._planned = planned[::-1]
        self._said: list[Message] = []

    def ask(self) -> bytes:
        """The request of the next turn: everything said so far, and the user's next message."""
        while True:
            turn = self._planned.pop()
            if turn.role == "assistant":  # the server answers by itself
                continue
            self._said.append(Message(turn.role, turn.content, turn.parts))
            if turn.role == "user":
                number, self._number = self._number, self._number + 1
                return self._writer.traced(number, self._writer.chat(self._said, turn.output_tokens))

    def answered(self, text: str) -> None:
        """The server's answer becomes history."""
        self._said.append(Message("assistant", text))
