"""Publishes the outbox: at least once, and the first occurrence of a key's events always in order.

Every pass reads from the head without row locks and deletes only what the bus acknowledged. That alone keeps the order
when several relays run; the lease merely saves them from doing the same work twice.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import structlog
from opentelemetry.trace import Link, SpanKind

from shared.bus.port import Bus, BusUnavailable, Producer, Record
from shared.postgres.database import Database, Unavailable
from shared.telemetry import metrics
from shared.telemetry.tracing import link_to, tracer

log = structlog.get_logger()

BATCH = 1000
BATCH_BYTES = 16 * 1024 * 1024
SEND_TIMEOUT = 20.0
LEASE_SECONDS = 10
REST_EACH, REST_MOST = 0.005, 0.1  # seconds of rest after a pass: for each record it sent, and at most
POLL_FLOOR = 0.5
GAUGE_EVERY = 2.0
_BACKOFF = (0.2, 5.0)

_LEAD = """
INSERT INTO lease VALUES ('relay', $1, clock_timestamp() + make_interval(secs => $2))
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE lease.holder = excluded.holder OR lease.until < clock_timestamp() RETURNING holder
"""
# The head, cut where the values sum up to more than $2 bytes (but never to nothing): memory stays bounded.
_HEAD = """
SELECT id, topic, key, headers, value FROM (
    SELECT *, sum(octet_length(value)) OVER (ORDER BY id ROWS UNBOUNDED PRECEDING) - octet_length(value) AS before
    FROM (SELECT * FROM outbox ORDER BY id LIMIT $1) AS head
) AS measured WHERE before < $2 ORDER BY id
"""
_DELETE = "DELETE FROM outbox WHERE id = ANY($1)"
_STATE = "SELECT count(*) AS rows, extract(epoch FROM clock_timestamp() - min(created_at)) AS oldest FROM outbox"


class _PassFailed(Exception):
    """Some record of the pass was not acknowledged; those before it were and are gone from the outbox."""


class Relay:
    """One a process. `topics` are created before the first send, and any other when a record for it comes along.

    Topics that were deleted meanwhile are created again.
    """

    name = "relay"

    def __init__(self, bus: Bus, db: Database, *, topics: Sequence[str], use_lease: bool = True) -> None:
        self._bus, self._db, self._topics = bus, db, topics
        self._use_lease = use_lease
        self._holder = uuid4()
        self._lease_until = 0.0
        self._producer: Producer | None = None
        self._ensured: set[str] = set()
        self._stopping = asyncio.Event()
        self._done = asyncio.Event()
        self._gauges_due = 0.0
        self.trouble: str | None = "not connected yet"

    async def run(self) -> None:
        """Relay until `stop`. Trouble of the bus or the database is waited out, however long it lasts."""
        wait = _BACKOFF[0]
        self._done.clear()
        try:
            while not self._stopping.is_set():
                try:
                    await self._work()
                    wait = _BACKOFF[0]
                    self.trouble = None
                except Exception as error:
                    self._tell(error, wait)
                    if not isinstance(error, Unavailable):
                        await self._drop_producer()
                    await self._pause(wait * random.uniform(0.8, 1.2))  # noqa: S311 (jitter)
                    wait = min(wait * 2, _BACKOFF[1])
        finally:
            await self._drop_producer()
            await self._give_up_lease()
            self._done.set()

    async def stop(self) -> None:
        """End after the pass in progress; returns when it did, at the latest after 2 s."""
        self._stopping.set()
        self._db.wakeup.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), 2)

    def ready(self) -> tuple[str, str | None]:
        """The name and what is wrong at present, or None: shown in /readyz. Requests are answered all the same."""
        return self.name, self.trouble

    def _tell(self, error: Exception, wait: float) -> None:
        metrics.RELAY_FAILURES.inc()
        self.trouble = str(error) or type(error).__name__
        unexpected = not isinstance(error, BusUnavailable | Unavailable | _PassFailed)
        log.warning("relay.failed", error=self.trouble, retry_in=wait, exc_info=unexpected)

    async def _work(self) -> None:
        """Connect when need be, then pass after pass while batches are full, then wait to be woken."""
        await self._update_gauges()  # before the bus is asked: an outbox that grows while it is away must be seen
        if self._producer is None:
            await self._ensure(set(self._topics))
            self._producer = self._bus.producer()
            await self._producer.start()
        self._db.wakeup.clear()
        if not await self._leads():
            await self._pause(1.0)
            return
        while (sent := await self._one_pass()) is None and not self._stopping.is_set() and await self._leads():
            await self._update_gauges()  # a backlog may take a while
        # The more there was to send, the more will come in a moment: together it costs the broker and consumers less.
        await self._pause(min((sent or 0) * REST_EACH, REST_MOST))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._db.wakeup.wait(), POLL_FLOOR)

    async def _leads(self) -> bool:
        """Hold the lease by the database's clock; renewed when half of it is gone."""
        if not self._use_lease or time.monotonic() < self._lease_until - LEASE_SECONDS / 2:
            return True
        started = time.monotonic()
        async with self._db.worker_connection() as connection:
            holder = await connection.fetchval(_LEAD, self._holder, float(LEASE_SECONDS))
        self._lease_until = started + LEASE_SECONDS if holder else 0.0
        metrics.RELAY_LEADER.set(1 if holder else 0)
        return holder is not None

    async def _one_pass(self) -> int | None:
        """Send a batch from the head and delete what was acknowledged; gives their number, None for a full batch.

        Raises _PassFailed when some record was not acknowledged.
        """
        async with self._db.worker_connection() as connection:
            rows = await connection.fetch(_HEAD, BATCH, BATCH_BYTES)
        if not rows:
            return 0
        records = [
            Record(row["topic"], row["key"].encode(), row["value"], [(n, v.encode()) for n, v in row["headers"]])
            for row in rows
        ]
        await self._ensure({record.topic for record in records})
        outcomes = await self._send(records)
        acknowledged, failures = _acknowledged(rows, outcomes)
        if acknowledged:
            async with self._db.worker_connection() as connection:
                await connection.execute(_DELETE, acknowledged)
            metrics.RELAY_PUBLISHED.inc(len(acknowledged))
        if failures:
            raise _PassFailed(f"{len(failures)} of {len(rows)} records not acknowledged: {failures[0]!r}")
        full = len(rows) == BATCH or sum(len(row["value"]) for row in rows) >= BATCH_BYTES
        return None if full else len(rows)

    async def _send(self, records: list[Record]) -> list[BaseException | None]:
        assert self._producer is not None
        links = [link for record in records[:32] if (link := _creation(record)) is not None]
        attributes = {"messaging.system": "kafka", "messaging.operation.type": "send"}
        attributes |= {"messaging.destination.name": records[0].topic}
        name = f"send {records[0].topic}"
        with tracer.start_as_current_span(name, kind=SpanKind.PRODUCER, links=links, attributes=attributes) as span:
            span.set_attribute("messaging.batch.message_count", len(records))
            return await self._producer.send_all(records, SEND_TIMEOUT)

    async def _ensure(self, topics: set[str]) -> None:
        if missing := topics - self._ensured:
            await self._bus.ensure_topics(sorted(missing))
            self._ensured |= missing

    async def _drop_producer(self) -> None:
        self._ensured.clear()  # a failure may mean that a topic was deleted
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    async def _give_up_lease(self) -> None:
        """Let another relay lead at once instead of after the lease ran out."""
        metrics.RELAY_LEADER.set(0)
        with contextlib.suppress(Unavailable):
            async with self._db.worker_connection() as connection:
                await connection.execute("DELETE FROM lease WHERE name = 'relay' AND holder = $1", self._holder)

    async def _update_gauges(self) -> None:
        if time.monotonic() < self._gauges_due:
            return
        self._gauges_due = time.monotonic() + GAUGE_EVERY
        async with self._db.worker_connection() as connection:
            row = await connection.fetchrow(_STATE)
        assert row is not None
        metrics.OUTBOX_ROWS.set(row["rows"])
        metrics.OUTBOX_OLDEST_SECONDS.set(row["oldest"] or 0)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _creation(record: Record) -> Link | None:
    for name, value in record.headers:
        if name == "traceparent":
            return link_to(value.decode())
    return None


def _acknowledged(rows: Sequence[Any], outcomes: list[BaseException | None]) -> tuple[list[int], list[BaseException]]:
    """Ids to delete: of each key those before its first failure, so that nothing overtakes what was not sent."""
    broken: set[tuple[str, str]] = set()
    ids: list[int] = []
    failures: list[BaseException] = []
    for row, outcome in zip(rows, outcomes, strict=True):
        place = (row["topic"], row["key"])
        if outcome is not None:
            broken.add(place)
            failures.append(outcome)
        elif place not in broken:
            ids.append(row["id"])
    return ids, failures
