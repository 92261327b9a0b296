"""Puts verifications into the outbox, many in one transaction: an answer does not wait for a commit."""

import asyncio
import contextlib

import structlog

from services.verifier.commands.note_verification import Note, Notes, append_notes
from shared.postgres.database import Database, Unavailable

log = structlog.get_logger()

EVERY_SECONDS = 0.1
BATCH = 500
_AWAY_SECONDS = 1.0
_STOP_SECONDS = 2.0


class Recording:
    """One a process, working on its own notes."""

    name = "recording"

    def __init__(self, db: Database, notes: Notes) -> None:
        self._db, self._notes = db, notes
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()

    async def run(self) -> None:
        """Record until `stop`, then what is left."""
        try:
            while not self._stopping.is_set():
                await self._pause(EVERY_SECONDS if await self._record() else _AWAY_SECONDS)
            await self._record()
        finally:
            self._done.set()

    async def stop(self) -> None:
        """Record what is left; returns when that is done, at the latest after 2 s."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), _STOP_SECONDS)

    async def _record(self) -> bool:
        """Batch after batch until nothing waits; False when the database is away."""
        while batch := self._notes.take(BATCH):
            if not await self._append(batch):
                return False
        return True

    async def _append(self, batch: list[Note]) -> bool:
        try:
            async with self._db.worker() as tx:
                await append_notes(tx, batch)
        except Unavailable as error:
            # The commit may have happened with its answer lost. Notes are then told twice: better than not at all.
            self._notes.give_back(batch)
            log.warning("recording.waiting", error=str(error), waiting=len(self._notes), dropped=self._notes.dropped)
            return False
        return True

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
