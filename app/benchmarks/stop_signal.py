"""That a shard should stop, and why: some reasons let requests in flight end, others do not wait for them."""

import asyncio
from dataclasses import dataclass, field

BUDGET_REACHED = "the budget is reached"
"""A reason that lets requests in flight end by themselves: they are paid for anyway."""
HANDED_BACK = "the worker leaves"
"""Likewise: what they measure is stored, and whoever runs the rest need not send them again."""
GENTLE = frozenset({BUDGET_REACHED, HANDED_BACK})
"""Reasons that let requests in flight end by themselves."""


@dataclass(eq=False)
class StopSignal:
    """Says that a shard should stop, and why. Only the first reason counts, but a gentle one gives way to any other."""

    reason: str | None = None
    _event: asyncio.Event = field(default_factory=asyncio.Event)
    _hurry: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, reason: str) -> None:
        """Ask to stop."""
        if self.reason is None or (self.reason in GENTLE and reason not in GENTLE):
            self.reason = reason
            self._event.set()
            if reason not in GENTLE:
                self._hurry.set()

    async def wait(self) -> str:
        """Wait until asked; the answer is the reason."""
        await self._event.wait()
        assert self.reason is not None
        return self.reason

    async def wait_for_hurry(self) -> str:
        """Wait until asked for a reason that is not gentle."""
        await self._hurry.wait()
        return await self.wait()
