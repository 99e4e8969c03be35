"""How the simulator counts tokens: words times a ratio, and some more per text, as a tokeniser and a template do."""

from typing import NamedTuple


class TokenCount(NamedTuple):
    """`tokens = overhead + words * per_word`, rounded."""

    per_word: float = 1.0
    overhead: int = 0

    def tokens(self, text: str) -> int:
        """Tokens of one prompt (all its messages together) or one text."""
        return self.overhead + round(len(text.split()) * self.per_word)
