"""Made-up texts: reproducible, as long as asked, and different from their first word on where they should be.

A text is a marker and then words drawn from a random stream, one byte a word. Making one costs about 50 ns a word and
grows linearly. The marker of the j-th text of a seed is a permutation of j, so no two texts of a run begin alike (up to
2^32 of them) and no prefix cache can help.
"""

import random
import zlib
from collections import OrderedDict

from app.datasets.words import WORDS

_WORD_BYTES = 4  # the generator's word: streams are cut at multiples of it, so that a longer text continues a shorter
_MASK = 2**32 - 1
_KEPT_BYTES = 64 * 2**20
_word = WORDS.__getitem__


def stream(name: str, words: int) -> str:
    """`words` random words; a longer text of the same name begins with the shorter."""
    draw = random.Random(name).randbytes  # noqa: S311  (reproducible text, not a secret)
    return " ".join(map(_word, draw(-(-words // _WORD_BYTES) * _WORD_BYTES)[:words]))


def marker(seed: int, number: int) -> str:
    """Eight hexadecimal digits, different for each number below 2^32 of one seed."""
    mixed = (number * 0x9E3779B1 + seed * 0x85EBCA6B + 0x27D4EB2F) & _MASK  # odd factor: a permutation
    mixed ^= mixed >> 16  # and so is this
    return f"{mixed * 0xC2B2AE35 & _MASK:08x}"


def prompt(seed: int, number: int, words: int) -> str:
    """The `number`-th text of a seed, exactly `words` long, unlike every other from its first word on."""
    if words <= 1:
        return marker(seed, number)
    return f"{marker(seed, number)} {stream(f'prompt-{seed}-{number}', words - 1)}"


class SharedTexts:
    """Texts that several prompts share, made once and kept while there is room (least recently used go first)."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._kept: OrderedDict[tuple[str, int, int], str] = OrderedDict()
        self._bytes = 0

    def text(self, kind: str, name: int, words: int) -> str:
        """The text called `name` of a kind; longer ones of the same name begin with the shorter."""
        key = (kind, name, words)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        made = marker(self._seed ^ zlib.crc32(f"shared {kind}".encode()), name)
        if words > 1:
            made = f"{made} {stream(f'{kind}-{self._seed}-{name}', words - 1)}"
        self._kept[key] = made
        self._bytes += len(made)
        while self._bytes > _KEPT_BYTES and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped)
        return made
