"""Looks for messages that pullers wait for: those of this process at once, those of other replicas soon after."""

import asyncio
import contextlib

from services.notifier.commands.await_messages import Arrivals
from shared.postgres.database import Unavailable

LOOK_SECONDS = 0.25


class Watcher:
    """A component."""

    name = "watcher"

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._stopping = False

    async def run(self) -> None:
        """Look again and again until `stop`. While the database is away nobody is woken."""
        while not self._stopping:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._arrivals.soon.wait(), LOOK_SECONDS)
            self._arrivals.soon.clear()
            with contextlib.suppress(Unavailable):
                await self._arrivals.look()

    async def stop(self) -> None:
        """No further look."""
        self._stopping = True
        self._arrivals.notice()
