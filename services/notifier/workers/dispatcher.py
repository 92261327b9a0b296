"""Takes what is due, sends it side by side, records it in batches. Several dispatchers share one queue.

The endpoint is the unit of scheduling: each has a window of requests in flight, so one that hangs holds its own window
and nobody else's; and many that hang move to slots apart from those of the others. What is being sent when the process
dies is due again when its lease runs out.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from datetime import datetime

import structlog

from services.notifier.commands.record_attempts import needs_transaction, record_attempts
from services.notifier.domain.slots import Slots
from services.notifier.domain.window import START, Windows
from services.notifier.store import deliveries
from services.notifier.store.deliveries import Claimed, Outcome, Room
from services.notifier.store.secrets import Carried
from services.notifier.workers.keys import SigningKeys
from services.notifier.workers.sending import Sender
from shared.postgres.database import Database, Unavailable

log = structlog.get_logger()

POLL_FLOOR = 0.5
RECORD_MOST = 500
LAUNCHED_AT_ONCE = 16
LANDING_SECONDS = 5.0
RECORDING_SECONDS = 0.7
_BACKOFF = (0.2, 5.0)


class Dispatcher:
    """A component. `slots` is how many attempts may be in flight over all endpoints before any is slow."""

    name = "dispatcher"

    def __init__(
        self, db: Database, keys: SigningKeys, sender: Sender, *, slots: Slots, clock: Callable[[], datetime]
    ) -> None:
        self._db, self._keys, self._sender, self._slots, self._clock = db, keys, sender, slots, clock
        self._windows = Windows()
        self._flying: dict[asyncio.Task[None], Claimed] = {}
        self._finished: list[Outcome] = []
        self._wake, self._unrecorded = asyncio.Event(), asyncio.Event()
        self._database = asyncio.Lock()
        self._stopping = asyncio.Event()
        self.trouble: str | None = None

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    async def run(self) -> None:
        """Dispatch until `stop`; an outage of the database is waited out."""
        recorder = asyncio.create_task(self._record_finished())
        try:
            await self._dispatch()
            if self._flying:
                await asyncio.wait(self._flying, timeout=LANDING_SECONDS)
            await self._let_go()
            self._unrecorded.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(recorder, RECORDING_SECONDS)
        finally:
            for task in (recorder, *self._flying):
                task.cancel()
            await asyncio.gather(recorder, *self._flying, return_exceptions=True)

    async def stop(self) -> None:
        """Take nothing more. What is in flight may land within 5 s and is recorded; `run` returns then."""
        self._stopping.set()
        self._wake.set()

    async def _let_go(self) -> None:
        """Break off what did not land, so that another process sends it at once and not when its lease runs out."""
        late = dict(self._flying)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.info("delivery.broken_off", deliveries=len(late))
            with contextlib.suppress(Unavailable):
                async with self._database, self._db.worker_connection() as connection:
                    await deliveries.let_go(connection, list(late.values()))

    async def _dispatch(self) -> None:
        wait = _BACKOFF[0]
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                batch = await self._claim()
                carried = await self._keys.of(batch) if batch else {}
                wait, self.trouble = _BACKOFF[0], None
            except Unavailable as error:
                self.trouble = str(error)
                await asyncio.sleep(wait * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)
                wait = min(wait * 2, _BACKOFF[1])
                continue
            for number, claimed in enumerate(batch, 1):
                self._launch(claimed, carried[claimed.endpoint_id])
                if number % LAUNCHED_AT_ONCE == 0:  # or answers of the database would wait behind the whole batch
                    await asyncio.sleep(0)
            if not batch:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), POLL_FLOOR)
            self._windows.forget_idle()

    async def _claim(self) -> list[Claimed]:
        """What is due and has room, none when all slots are taken."""
        slots = self._slots.free(time.monotonic())
        if slots <= 0:
            return []
        async with self._database, self._db.worker_connection() as connection:
            known, free, flying = self._windows.rooms()
            return await deliveries.claim(connection, Room(slots, known, free, flying, START))

    def _launch(self, claimed: Claimed, carried: Carried) -> None:
        self._windows.sent(claimed.endpoint_id)
        task = asyncio.create_task(self._deliver(claimed, carried, self._slots.take(time.monotonic())))
        self._flying[task] = claimed
        task.add_done_callback(self._flying.pop)

    async def _deliver(self, claimed: Claimed, carried: Carried, slot: int) -> None:
        ok = False
        try:
            outcome = await self._sender.send(claimed, carried)
            ok = outcome.ok
            self._finished.append(outcome)
            self._unrecorded.set()
        except Exception:
            # Not recorded means sent again when the lease runs out; better twice than never.
            log.exception("delivery.not_sent", message_id=claimed.message_id, endpoint_id=str(claimed.endpoint_id))
        finally:
            self._slots.give_back(slot)
            self._windows.landed(claimed.endpoint_id, ok=ok, cap=claimed.cap)
            self._wake.set()

    async def _record_finished(self) -> None:
        """Batches form by themselves: whatever landed while the last batch was written is the next one."""
        while not (self._stopping.is_set() and not self._flying and not self._finished):
            await self._unrecorded.wait()
            self._unrecorded.clear()
            while self._finished:
                if not await self._record(self._finished[:RECORD_MOST]):
                    await asyncio.sleep(0.5)

    async def _record(self, batch: list[Outcome]) -> bool:
        """Write a batch and take it off the list; False leaves it there for another try.

        The lock keeps the process's own claims off the endpoints that are locked here: they would be passed over. A
        batch of plain successes is a single statement, which needs no transaction around it.
        """
        opened = self._db.worker if needs_transaction(batch) else self._db.worker_connection
        try:
            async with self._database, opened() as tx:
                await record_attempts(tx, batch, now=self._clock())
        except Unavailable as error:
            self.trouble = str(error)
            return False
        except Exception:
            log.exception("delivery.not_recorded", attempts=len(batch))
        del self._finished[: len(batch)]
        self._wake.set()
        return True
