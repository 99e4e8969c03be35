"""Rich's console, which styles what it is told and obeys none of it."""

from collections.abc import Iterable

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment

from app.cli.plain import plain


class Console(rich.console.Console):
    """What is printed is plain, wherever it comes from; escape sequences are the console's own."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control is None and not segment.text.isprintable():
                yield Segment(plain(segment.text), segment.style)
            else:
                yield segment
