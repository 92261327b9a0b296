"""Folds what the consumers counted into the counts of achievements, a few times a second."""

import asyncio
import contextlib

import structlog

from services.registry.store import counts
from shared.postgres.database import Database, Unavailable

log = structlog.get_logger()

EVERY_SECONDS = 0.5
_BATCH = 5000
_AWAY_SECONDS = 2.0


class Counting:
    """One a process; several do no harm, each waits for nobody."""

    name = "counting"

    def __init__(self, db: Database) -> None:
        self._db = db
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()

    async def run(self) -> None:
        """Fold until `stop`. Answers are exact without it; it keeps them cheap."""
        try:
            while not self._stopping.is_set():
                await self._pause(await self._fold())
        finally:
            self._done.set()

    async def stop(self) -> None:
        """End after the batch in progress; returns when it did, at the latest after 2 s."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), 2)

    async def _fold(self) -> float:
        """One batch; gives the seconds to wait for the next."""
        try:
            async with self._db.worker() as tx:
                folded = await counts.fold(tx, _BATCH)
        except Unavailable as error:
            log.warning("counting.waiting", error=str(error))
            return _AWAY_SECONDS
        return 0.0 if folded == _BATCH else EVERY_SECONDS

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
