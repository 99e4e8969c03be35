"""How deeply a JSON text nests, while it arrives: before a parser, and what walks over its result, has to recurse."""

import re

_SPECIAL = re.compile(rb'[\[\]{}]|"|\\.?', re.DOTALL)


class DepthGauge:
    """Feed it the text in pieces; `deepest` is the deepest nesting of objects and arrays so far."""

    def __init__(self) -> None:
        self.deepest = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, piece: bytes) -> None:
        """Go on with the next piece; not JSON is counted as far as it looks like it."""
        if self._escaped:
            piece, self._escaped = piece[1:], not piece
        for match in _SPECIAL.finditer(piece):
            token = match[0]
            if token == b'"':
                self._in_string = not self._in_string
            elif token[:1] == b"\\":
                self._escaped = len(token) == 1  # the escaped character is in the next piece
            elif not self._in_string:
                if token in b"[{":
                    self._depth += 1
                    self.deepest = max(self.deepest, self._depth)
                else:
                    self._depth -= 1
