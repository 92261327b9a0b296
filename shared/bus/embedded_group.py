"""Members of a consumer group on the embedded bus: who has which partition, and from where it goes on."""

import asyncio
import base64
import contextlib
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol
from uuid import uuid4

from shared.bus.port import BusUnavailable, CommitLost, Received, TopicPartition

LEASE_SECONDS = 5.0
RENEW_SECONDS = 1.0

_JOIN = """
INSERT INTO bus_member VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))
ON CONFLICT ("group", member) DO UPDATE SET until = excluded.until
"""
# The same instance before its restart, and members that stopped renewing.
_LEAVE_OLD = """
WITH gone AS (
    DELETE FROM bus_member
    WHERE "group" = $1 AND member <> $2 AND (instance = $3 OR until < clock_timestamp()) RETURNING member
)
UPDATE bus_offset SET holder = NULL, until = NULL FROM gone WHERE "group" = $1 AND holder = gone.member
"""
_ADD_PARTITIONS = """
INSERT INTO bus_offset ("group", topic, partition)
SELECT $1, topic, partition FROM bus_partition WHERE topic = ANY($2) ON CONFLICT DO NOTHING
"""
# A fair share: the members of the group in order, the partitions dealt out among them.
_DEAL = """
WITH members AS (
    SELECT member, row_number() OVER (ORDER BY member) - 1 AS place, count(*) OVER () AS total
    FROM bus_member WHERE "group" = $1
), dealt AS (
    SELECT topic, partition, (row_number() OVER (ORDER BY topic, partition) - 1) AS number
    FROM bus_offset WHERE "group" = $1 AND topic = ANY($3)
)
SELECT topic, partition FROM dealt, members WHERE member = $2 AND number % total = place
"""
_RELEASE = """
UPDATE bus_offset SET holder = NULL, until = NULL
WHERE "group" = $1 AND holder = $2 AND NOT (topic, partition) IN (SELECT * FROM unnest($3::text[], $4::int[]))
"""
_HOLD = """
UPDATE bus_offset o SET holder = $2, until = clock_timestamp() + make_interval(secs => $5)
FROM unnest($3::text[], $4::int[]) AS mine(topic, partition)
WHERE o."group" = $1 AND o.topic = mine.topic AND o.partition = mine.partition
  AND (o.holder IS NULL OR o.holder = $2 OR o.until < clock_timestamp())
RETURNING o.topic, o.partition, o.next_offset
"""
_FETCH = """
SELECT r.topic, r.partition, r."offset", r.key, r.value, r.headers,
       (extract(epoch FROM r.at) * 1000)::bigint AS timestamp_ms
FROM unnest($1::text[], $2::int[], $3::bigint[]) AS at_place(topic, partition, from_offset)
CROSS JOIN LATERAL (
    SELECT * FROM bus_record b WHERE b.topic = at_place.topic AND b.partition = at_place.partition
      AND b."offset" >= at_place.from_offset ORDER BY b."offset" LIMIT $4
) r
"""
_COMMIT = """
UPDATE bus_offset o SET next_offset = done.next_offset
FROM unnest($3::text[], $4::int[], $5::bigint[]) AS done(topic, partition, next_offset)
WHERE o."group" = $1 AND o.topic = done.topic AND o.partition = done.partition AND o.holder = $2
RETURNING 1
"""
_HEADS = "SELECT topic, partition, next_offset, first_offset FROM bus_partition WHERE topic = ANY($1)"


class _Connections(Protocol):
    def connection(self) -> AbstractAsyncContextManager[Any]: ...
    async def wait_for_records(self, timeout: float) -> None: ...


class GroupMember:
    """A Subscription. Membership and partitions are leases, renewed by polling and by a task of its own."""

    def __init__(self, bus: _Connections, group: str, topics: Sequence[str], instance: str) -> None:
        self._bus, self._group, self._topics, self._instance = bus, group, list(topics), instance
        self._member = uuid4()
        self._positions: dict[TopicPartition, int] = {}
        self._lost: dict[TopicPartition, int] = {}
        self._renewed_at = float("-inf")
        self._renewal: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Join the group. Raises BusUnavailable."""
        await self._renew()
        self._renewal = asyncio.create_task(self._keep_renewing())

    async def poll(self, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Received]]:
        """Records of the partitions held now; empty after `timeout` seconds. Raises BusUnavailable."""
        deadline = time.monotonic() + timeout
        while True:
            if time.monotonic() - self._renewed_at > LEASE_SECONDS:
                await self._renew()  # frozen for longer than the lease: find out what is still ours
            batches = await self._fetch(max_records)
            left = deadline - time.monotonic()
            if batches or left <= 0:
                return batches
            await self._bus.wait_for_records(min(left, 0.5))

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store offsets. Raises CommitLost when a partition has another holder, BusUnavailable."""
        places = list(offsets.items())
        async with self._bus.connection() as connection, connection.transaction():
            stored = await connection.fetch(
                _COMMIT,
                self._group,
                self._member,
                [place.topic for place, _ in places],
                [place.partition for place, _ in places],
                [offset for _, offset in places],
            )
        if len(stored) < len(places):
            raise CommitLost(f"{len(places) - len(stored)} partitions have another holder")

    def rewind(self, partition: TopicPartition, offset: int) -> None:
        """Deliver from `offset` again at the next poll."""
        if partition in self._positions:
            self._positions[partition] = offset

    async def lag(self) -> Mapping[TopicPartition, int]:
        """Records not yet delivered, for each partition held."""
        heads = await self._heads()
        return {place: heads[place][0] - at for place, at in self._positions.items() if place in heads}

    async def expired(self) -> Mapping[TopicPartition, int]:
        """Records dropped by retention before this group read them, as seen when partitions were taken."""
        lost, self._lost = self._lost, {}
        return lost

    async def stop(self) -> None:
        """Leave the group within 2 s."""
        if self._renewal is not None:
            self._renewal.cancel()
            await asyncio.gather(self._renewal, return_exceptions=True)
        with contextlib.suppress(BusUnavailable, TimeoutError):
            await asyncio.wait_for(self._leave(), 2)

    async def _leave(self) -> None:
        async with self._bus.connection() as connection, connection.transaction():
            await connection.execute(_RELEASE, self._group, self._member, [], [])
            await connection.execute(
                'DELETE FROM bus_member WHERE "group" = $1 AND member = $2', self._group, self._member
            )

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(BusUnavailable):
                await self._renew()

    async def _renew(self) -> None:
        """Renew membership, drop members that ended, give up what is no longer our share and take what is."""
        started = time.monotonic()
        async with self._bus.connection() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", self._group)
            await connection.execute(_JOIN, self._group, self._member, self._instance, self._topics, LEASE_SECONDS)
            await connection.execute(_LEAVE_OLD, self._group, self._member, self._instance)
            await connection.execute(_ADD_PARTITIONS, self._group, self._topics)
            share = await connection.fetch(_DEAL, self._group, self._member, self._topics)
            mine = [row["topic"] for row in share], [row["partition"] for row in share]
            await connection.execute(_RELEASE, self._group, self._member, *mine)
            held = await connection.fetch(_HOLD, self._group, self._member, *mine, LEASE_SECONDS)
        self._renewed_at = started
        await self._take_over({TopicPartition(row["topic"], row["partition"]): row["next_offset"] for row in held})

    async def _take_over(self, held: Mapping[TopicPartition, int | None]) -> None:
        """Keep the positions of partitions we go on holding; begin new ones at their commit or at the beginning."""
        new = held.keys() - self._positions.keys()
        heads = await self._heads() if new else {}
        for place in new:
            first, committed = heads[place][1], held[place]
            if committed is not None and committed < first:
                self._lost[place] = first - committed
            self._positions[place] = first if committed is None else max(first, committed)
        for place in self._positions.keys() - held.keys():
            del self._positions[place]

    async def _heads(self) -> dict[TopicPartition, tuple[int, int]]:
        async with self._bus.connection() as connection:
            rows = await connection.fetch(_HEADS, self._topics)
        return {
            TopicPartition(row["topic"], row["partition"]): (row["next_offset"], row["first_offset"]) for row in rows
        }

    async def _fetch(self, max_records: int) -> dict[TopicPartition, list[Received]]:
        places = list(self._positions.items())
        async with self._bus.connection() as connection:
            rows = await connection.fetch(
                _FETCH,
                [place.topic for place, _ in places],
                [place.partition for place, _ in places],
                [offset for _, offset in places],
                max_records,
            )
        batches: dict[TopicPartition, list[Received]] = {}
        for row in rows[:max_records]:
            place = TopicPartition(row["topic"], row["partition"])
            if place in self._positions:
                batches.setdefault(place, []).append(_received(row))
        for place, batch in batches.items():
            self._positions[place] = batch[-1].offset + 1
        return batches


def _received(row: Any) -> Received:
    return Received(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        key=row["key"],
        value=row["value"],
        headers=[(name, base64.b64decode(value)) for name, value in row["headers"]],
        timestamp_ms=row["timestamp_ms"],
    )
