"""The bus as a durable log in Postgres, for the embedded mode: same promises as Kafka, one machine.

An append locks its partition's head row, so offsets are dense and become visible in order. Members of a group hold
partitions by leases on the database's clock. Consumers are woken by NOTIFY, sent apart from the append and at most
every 10 ms, over a polling floor of half a second.
"""

import asyncio
import base64
import contextlib
import time
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from shared.bus.embedded_group import GroupMember
from shared.bus.port import PARTITIONS, RETENTION_SECONDS, BusUnavailable, Record

CHANNEL = "laurel_bus"
NOTIFY_EVERY = 0.01
_LOCK = 7_202_612
_SCHEMA = Path(__file__).with_name("embedded_schema.sql")
_AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_APPEND = """
INSERT INTO bus_record (topic, partition, "offset", key, value, headers)
SELECT t, p, o, k, v, h::jsonb
FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::bytea[], $6::text[]) AS r(t, p, o, k, v, h)
"""
_TAKE_OFFSETS = """
UPDATE bus_partition SET next_offset = next_offset + $3 WHERE topic = $1 AND partition = $2 RETURNING next_offset - $3
"""
_EXPIRE = """
WITH gone AS (
    DELETE FROM bus_record WHERE at < clock_timestamp() - make_interval(secs => $1) RETURNING topic, partition, "offset"
)
UPDATE bus_partition p SET first_offset = last + 1
FROM (SELECT topic, partition, max("offset") AS last FROM gone GROUP BY 1, 2) g
WHERE p.topic = g.topic AND p.partition = g.partition
"""


class EmbeddedBus:
    """`url` is the owner's address of the bus's own database; connections are made when first used."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: Any = None
        self._listener: Any = None
        self._opening = asyncio.Lock()
        self._arrived = asyncio.Event()

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Make the schema and missing topics, and drop records older than the retention. Raises BusUnavailable."""
        async with self.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            await connection.execute(_SCHEMA.read_text("utf-8"))
            await connection.execute(
                "INSERT INTO bus_partition (topic, partition)"
                " SELECT topic, partition FROM unnest($1::text[]) topic, generate_series(0, $2 - 1) partition"
                " ON CONFLICT DO NOTHING",
                list(topics),
                PARTITIONS,
            )
            await connection.execute(_EXPIRE, float(RETENTION_SECONDS))

    def producer(self) -> "EmbeddedProducer":
        """A new producer, not started."""
        return EmbeddedProducer(self)

    def subscribe(self, group: str, topics: Sequence[str], *, instance: str) -> GroupMember:
        """A new group member, not started. A restarted process of the same `instance` takes its place at once."""
        return GroupMember(self, group, topics, instance)

    async def close(self) -> None:
        """Close the connections."""
        listener, self._listener = self._listener, None
        pool, self._pool = self._pool, None
        for closing in (listener, pool):
            if closing is not None:
                try:
                    await asyncio.wait_for(closing.close(), 2)
                except (*_AWAY, asyncio.CancelledError):
                    closing.terminate()

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Any]:
        """A pooled connection. Raises BusUnavailable for whatever keeps the database from answering."""
        try:
            pool = self._pool or await self._open()
            async with pool.acquire(timeout=3) as connection:
                yield connection
        except _AWAY as error:
            raise BusUnavailable(f"the bus database does not answer: {type(error).__name__}") from error

    async def _open(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._url, min_size=0, max_size=4, timeout=3, command_timeout=5, init=_prepare
                )
            return self._pool

    async def wait_for_records(self, timeout: float) -> None:
        """Return when some producer appended, or after `timeout` seconds."""
        await self._listen()
        arrived = self._arrived
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(arrived.wait(), timeout)

    async def _listen(self) -> None:
        async with self._opening:
            if self._listener is not None and not self._listener.is_closed():
                return
            try:
                self._listener = await asyncpg.connect(self._url, timeout=3)
                await self._listener.add_listener(CHANNEL, self._on_notify)
            except _AWAY as error:
                raise BusUnavailable(f"the bus database does not answer: {type(error).__name__}") from error

    def _on_notify(self, *_: object) -> None:
        """Wake the members of this process; those that come later wait for the next call."""
        arrived, self._arrived = self._arrived, asyncio.Event()
        arrived.set()


class EmbeddedProducer:
    """Appends batches, one transaction each."""

    def __init__(self, bus: EmbeddedBus) -> None:
        self._bus = bus
        self._notified_at = 0.0
        self._notifying: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect. Raises BusUnavailable."""
        async with self._bus.connection() as connection:
            await connection.fetchval("SELECT 1")

    async def send_all(self, records: Sequence[Record], timeout: float) -> list[BaseException | None]:
        """Append all or nothing; a topic nobody made is its records' failure alone."""
        try:
            async with asyncio.timeout(timeout):
                known = await self._append(records)
        except (BusUnavailable, TimeoutError) as error:
            return [error] * len(records)
        if self._notifying is None or self._notifying.done():
            self._notifying = asyncio.create_task(self._notify())
        return [None if r.topic in known else BusUnavailable(f"there is no topic {r.topic}") for r in records]

    async def stop(self) -> None:
        """Wait for the last wake-up call."""
        if self._notifying is not None:
            await asyncio.wait({self._notifying}, timeout=1)

    async def _append(self, records: Sequence[Record]) -> set[str]:
        places: dict[tuple[str, int], list[Record]] = defaultdict(list)
        for record in records:
            places[record.topic, partition_of(record.key)].append(record)
        known: set[str] = set()
        async with self._bus.connection() as connection, connection.transaction():
            rows: list[tuple[Any, ...]] = []
            for (topic, partition), batch in sorted(places.items(), key=lambda place: place[0]):
                first = await connection.fetchval(_TAKE_OFFSETS, topic, partition, len(batch))
                if first is not None:
                    known.add(topic)
                    rows += _rows(topic, partition, first, batch)
            if rows:
                await connection.execute(_APPEND, *map(list, zip(*rows, strict=True)))
        return known

    async def _notify(self) -> None:
        """NOTIFY takes a lock of the whole server at commit: apart from the append, and seldom."""
        await asyncio.sleep(max(0.0, self._notified_at + NOTIFY_EVERY - time.monotonic()))
        self._notified_at = time.monotonic()
        with contextlib.suppress(BusUnavailable):
            async with self._bus.connection() as connection:
                await connection.execute(f"NOTIFY {CHANNEL}")


def partition_of(key: bytes) -> int:
    """Where the records of a key go, the same for ever."""
    return zlib.crc32(key) % PARTITIONS


def _rows(topic: str, partition: int, first: int, batch: Iterable[Record]) -> list[tuple[Any, ...]]:
    return [
        (
            topic,
            partition,
            first + index,
            record.key,
            record.value,
            orjson.dumps([[name, base64.b64encode(value).decode()] for name, value in record.headers]).decode(),
        )
        for index, record in enumerate(batch)
    ]


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb", encoder=lambda value: orjson.dumps(value).decode(), decoder=orjson.loads, schema="pg_catalog"
    )
