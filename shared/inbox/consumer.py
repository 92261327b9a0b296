"""Events in: each is handled exactly once in effect, and in order for its key, whatever the bus repeats.

A batch is one transaction: inbox rows, every handler's writes and its outbox rows commit together, then the offset.
When a batch fails it is done again event by event, so that only the bad one is singled out and parked; trouble of the
infrastructure never parks, the offset waits.
"""

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import structlog

from shared.bus.port import Bus, BusUnavailable, CommitLost, Subscription, TopicPartition
from shared.inbox import inbox, parking
from shared.inbox.dispatch import Handlers, Incoming, call, read
from shared.inbox.housekeeping import Housekeeping
from shared.inbox.parking import Failure
from shared.postgres.database import Database, Transaction, Unavailable
from shared.telemetry import metrics

log = structlog.get_logger()

MAX_RECORDS = 500
POLL_SECONDS = 0.5
SILENCE_SECONDS = 60.0
_BACKOFF = (0.2, 5.0)
_LAG_EVERY = 2.0


class Consumer:
    """One member of the consumer group `group`, calling `handlers` for the events of `topics`.

    `instance` names this process across restarts, the host's name by default; members on one host need one each.
    """

    def __init__(
        self,
        bus: Bus,
        db: Database,
        *,
        group: str,
        topics: Sequence[str],
        handlers: Handlers,
        instance: str | None = None,
    ) -> None:
        self.name = f"consumer-{group}"
        self._bus, self._db, self._group, self._topics, self._handlers = bus, db, group, topics, handlers
        self._instance = instance or f"{group}-{socket.gethostname()}"
        self._subscription: Subscription | None = None
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()
        self._housekeeping = Housekeeping(db, group, handlers)
        self._last_record = time.monotonic()
        self._lag_due = 0.0
        self._lag: Mapping[TopicPartition, int] = {}
        self.trouble: str | None = "not connected yet"

    async def run(self) -> None:
        """Consume until `stop`. Trouble of the bus or the database is waited out, however long it lasts."""
        housekeeping = asyncio.create_task(self._housekeeping.run())
        wait = _BACKOFF[0]
        try:
            while not self._stopping.is_set():
                try:
                    await self._step()
                    wait = _BACKOFF[0]
                    self.trouble = None
                except Exception as error:
                    self._tell(error, wait)
                    if not isinstance(error, Unavailable):
                        await self._leave()
                    await self._pause(wait * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)
                    wait = min(wait * 2, _BACKOFF[1])
        finally:
            housekeeping.cancel()
            await asyncio.gather(housekeeping, return_exceptions=True)
            await self._leave()
            self._done.set()

    async def stop(self) -> None:
        """End after the batch in progress and its commit; returns when it did, at the latest after 2 s."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), 2)

    def ready(self) -> tuple[str, str | None]:
        """The name and what is wrong at present, or None: shown in /readyz. Requests are answered all the same."""
        return self.name, self.trouble

    def _tell(self, error: Exception, wait: float) -> None:
        self.trouble = str(error) or type(error).__name__
        unexpected = not isinstance(error, BusUnavailable | Unavailable)
        log.warning("consumer.waiting", group=self._group, error=self.trouble, retry_in=wait, exc_info=unexpected)

    async def _step(self) -> None:
        """Join when need be, then one poll, one transaction, one commit of offsets."""
        subscription = self._subscription or await self._join()
        await self._update_lag()
        batches = await subscription.poll(MAX_RECORDS, POLL_SECONDS)
        records = [record for batch in batches.values() for record in batch]
        if not records:
            self._watch_silence()
            return
        self._last_record = time.monotonic()
        try:
            await self._handle([read(record, self._handlers) for record in records])
        except BaseException:
            for partition, batch in batches.items():
                subscription.rewind(partition, batch[0].offset)
            raise
        try:
            await subscription.commit({partition: batch[-1].offset + 1 for partition, batch in batches.items()})
        except CommitLost as error:  # another member has them now; the inbox makes the repetition harmless
            log.warning("consumer.commit_lost", group=self._group, error=str(error))

    async def _join(self) -> Subscription:
        await self._bus.ensure_topics([*self._topics])
        subscription = self._subscription = self._bus.subscribe(self._group, self._topics, instance=self._instance)
        await subscription.start()
        self._last_record = time.monotonic()
        for partition, lost in (await subscription.expired()).items():
            metrics.EVENTS_EXPIRED.inc(lost)
            log.error("consumer.events_expired", topic=partition.topic, partition=partition.partition, lost=lost)
        return subscription

    async def _leave(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            await subscription.stop()

    def _watch_silence(self) -> None:
        """A client that is behind and yet hears nothing is broken: replace it."""
        if time.monotonic() - self._last_record > SILENCE_SECONDS and any(self._lag.values()):
            raise BusUnavailable(f"behind, but no record for {SILENCE_SECONDS:.0f} s")

    async def _handle(self, batch: Sequence[Incoming]) -> None:
        """Commit the effect of a batch; afterwards every event of it is handled, parked, or known before."""
        try:
            async with self._db.worker() as tx:
                handled = await self._together(tx, batch)
        except Unavailable:
            raise
        except Exception as error:
            log.info("consumer.one_by_one", group=self._group, events=len(batch), error=type(error).__name__)
            async with self._db.worker() as tx:
                handled = await self._one_by_one(tx, batch)
        self._observe(handled)

    async def _together(self, tx: Transaction, batch: Sequence[Incoming]) -> list[tuple[Incoming, str]]:
        """The fast way: every handler in one go. Raises whatever a handler raises."""
        parked = await parking.parked_places(tx, {incoming.place for incoming in batch})
        unreadable = {incoming.place for incoming in batch if incoming.unreadable}
        free = [i for i in batch if i.envelope and i.event and i.place not in parked and i.place not in unreadable]
        fresh = await inbox.take(tx, [i.envelope for i in free if i.envelope])
        outcomes = []
        for incoming in batch:
            if incoming.place in parked or incoming.place in unreadable:
                outcomes.append((incoming, await self._park_or_handle(tx, incoming, parked)))
            elif incoming.event is None:
                outcomes.append((incoming, "ignored"))
            elif incoming.identity in fresh:
                fresh.discard(incoming.identity)
                await call(tx, incoming, self._handlers, self._group)
                outcomes.append((incoming, "handled"))
            else:
                outcomes.append((incoming, "duplicate"))
        return outcomes

    async def _one_by_one(self, tx: Transaction, batch: Sequence[Incoming]) -> list[tuple[Incoming, str]]:
        """The slow way: a savepoint an event, so that what fails is parked and the rest goes through."""
        parked = await parking.parked_places(tx, {incoming.place for incoming in batch})
        return [(incoming, await self._park_or_handle(tx, incoming, parked)) for incoming in batch]

    async def _park_or_handle(self, tx: Transaction, incoming: Incoming, parked: set[tuple[str, str]]) -> str:
        """Handle one event, or park it; `parked` grows by the key of one that failed."""
        failure: Failure | None = None
        if incoming.place in parked:
            failure = Failure("behind", "an earlier event of this key is parked")
        elif incoming.unreadable is not None:
            failure = Failure(incoming.unreadable.reason, incoming.unreadable.detail)
        elif incoming.event is None or incoming.envelope is None:
            return "ignored"
        else:
            try:
                async with tx.savepoint():
                    if not await inbox.take(tx, [incoming.envelope]):
                        return "duplicate"
                    await call(tx, incoming, self._handlers, self._group)
                return "handled"
            except Unavailable:
                raise
            except Exception as error:
                failure = parking.failure_of(error, 0)
        await parking.park(tx, self._group, incoming, failure)
        parked.add(incoming.place)
        tx.after_commit(self._housekeeping.retry_soon)
        log.error("event.parked", group=self._group, topic=incoming.record.topic, reason=failure.reason)
        return "parked"

    def _observe(self, handled: Sequence[tuple[Incoming, str]]) -> None:
        now = datetime.now(UTC)
        for incoming, outcome in handled:
            kind = incoming.event.short_name() if incoming.event else "other"
            metrics.EVENTS_CONSUMED.labels(kind, outcome).inc()
            if outcome == "handled" and incoming.envelope:
                age = (now - incoming.envelope.time).total_seconds()
                metrics.EVENT_END_TO_END_SECONDS.labels(kind).observe(max(age, 0))

    async def _update_lag(self) -> None:
        """Measured between polls, because a subscription serves one caller at a time."""
        if self._subscription is None or time.monotonic() < self._lag_due:
            return
        self._lag_due = time.monotonic() + _LAG_EVERY
        before, self._lag = self._lag, await self._subscription.lag()
        for partition in before.keys() - self._lag.keys():  # another member's now
            metrics.CONSUMER_LAG.remove(partition.topic, str(partition.partition))
        for partition, lag in self._lag.items():
            metrics.CONSUMER_LAG.labels(partition.topic, str(partition.partition)).set(lag)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
