"""How deeply a JSON text nests, while it arrives: before a parser, and what walks over its result, has to recurse.

Whole pieces go through the string methods of bytes and one cumulative sum: a loop over the signs of 8 MB took seven
seconds, in which the server answered nobody.
"""

import numpy as np

_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))
_STEPS = np.zeros(256, np.int64)
_STEPS[list(b"[{")], _STEPS[list(b"]}")] = 1, -1


class JsonGauge:
    """Feed it the text in pieces; what is not JSON is counted as far as it looks like it."""

    def __init__(self) -> None:
        self.deepest = 0
        """The deepest nesting of objects and arrays so far."""
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, piece: bytes) -> None:
        """Go on with the next piece."""
        if self._escaped:
            piece, self._escaped = piece[1:], not piece
        # In this order: of a row of backslashes each second one is escaped, and at most one is left for a quote.
        piece = piece.replace(b"\\\\", b"").replace(b'\\"', b"")
        if piece.endswith(b"\\"):
            self._escaped = True  # the escaped character is in the next piece
        parts = piece.split(b'"')
        outside = b"".join(parts[1 if self._in_string else 0 :: 2])
        self._in_string ^= len(parts) % 2 == 0
        brackets = outside.translate(None, _OTHERS)
        if brackets:
            depths = self._depth + np.cumsum(_STEPS[np.frombuffer(brackets, np.uint8)])
            self.deepest = max(self.deepest, int(depths.max()))
            self._depth = int(depths[-1])
