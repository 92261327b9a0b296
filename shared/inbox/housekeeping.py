"""What a consumer does beside its records: retries of parked keys, their gauge, the inbox's partitions."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import structlog

from shared.inbox import inbox, parking
from shared.inbox.dispatch import Handlers
from shared.postgres.database import Database, Unavailable
from shared.telemetry import metrics

log = structlog.get_logger()

_LOOK = 0.1
_RETRY_IDLE = 5.0
_GAUGE_EVERY = 2.0
_TURN_EVERY = 3600.0
_AFTER_TROUBLE = 1.0


class Housekeeping:
    """Runs until it is cancelled; every piece of work is a transaction of its own."""

    def __init__(self, db: Database, group: str, handlers: Handlers) -> None:
        self._db, self._group, self._handlers = db, group, handlers
        self._parked_meanwhile = False
        self._due: dict[Callable[[], Awaitable[float]], float] = {self._retry: 0.0, self._gauge: 0.0, self._turn: 0.0}

    def retry_soon(self) -> None:
        """An event was parked: look for its retry without waiting for the next idle look."""
        self._due[self._retry] = 0.0
        self._parked_meanwhile = True

    async def run(self) -> None:
        """Do what is due, again and again. Each piece of work tells in how many seconds it is due once more."""
        while True:
            for work in [work for work, due in self._due.items() if time.monotonic() >= due]:
                self._due[work] = time.monotonic() + await self._attempt(work)
            await asyncio.sleep(_LOOK)

    async def _attempt(self, work: Callable[[], Awaitable[float]]) -> float:
        try:
            return await work()
        except Unavailable:  # the consumer tells of it
            return _AFTER_TROUBLE
        except Exception:
            log.exception("consumer.housekeeping_failed", group=self._group)
            return _RETRY_IDLE

    async def _retry(self) -> float:
        """Try the keys whose wait is over."""
        self._parked_meanwhile = False
        async with self._db.worker() as tx:
            places = await parking.due_places(tx)
            waiting = await parking.any_retry(tx)
        for place in places:
            async with self._db.worker() as tx:
                done, failure = await parking.redrive(tx, self._group, place, self._handlers)
            log.info("event.retried", group=self._group, topic=place[0], handled=done, failed=failure is not None)
        return _LOOK if waiting or self._parked_meanwhile else _RETRY_IDLE

    async def _gauge(self) -> float:
        async with self._db.worker() as tx:
            metrics.PARKED_EVENTS.set(await parking.count_parked(tx))
        return _GAUGE_EVERY

    async def _turn(self) -> float:
        async with self._db.worker() as tx:
            await inbox.turn(tx)
            await parking.forget_redriven(tx, inbox.KEEP_DAYS)
        return _TURN_EVERY
