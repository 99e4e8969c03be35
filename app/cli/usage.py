"""Bad usage that only shows once several options are looked at together."""

from collections.abc import Iterable

import typer


class UsageProblem(typer.BadParameter):
    """One message per wrong option, each naming it; exit code 2."""

    def __init__(self, messages: Iterable[str]) -> None:
        self.messages = list(messages)
        super().__init__("\n".join(self.messages))

    def format_message(self) -> str:
        return "; ".join(self.messages) if len(self.messages) == 1 else "\n  " + "\n  ".join(self.messages)
