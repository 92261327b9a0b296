"""Who of a consumer group has which partition, in the embedded bus.

Membership is a lease by the database's clock. A change of members deals the partitions out anew; a partition without
a living holder goes to its new member at once, one with a living holder when that asks for its partitions the next
time, which it does between two batches. Only the holder's commits are taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from shared.bus.embedded_database import BusDatabase
from shared.bus.port import TopicPartition

LEASE_SECONDS = 5.0

_LOCK = """
INSERT INTO bus_group VALUES ($1) ON CONFLICT ("group") DO UPDATE SET generation = bus_group.generation + 1
"""
_JOIN = """
INSERT INTO bus_member VALUES ($1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))
ON CONFLICT ("group", member) DO UPDATE SET until = excluded.until
"""
_KNOW_PARTITIONS = """
INSERT INTO bus_offset ("group", topic, partition)
SELECT $1, topic, partition FROM bus_partition WHERE topic = ANY($2) ON CONFLICT DO NOTHING
"""
_LEAVE = 'DELETE FROM bus_member WHERE "group" = $1 AND member = $2'
# The process of the same name before its restart need not wait for the end of its lease.
_REPLACE = 'DELETE FROM bus_member WHERE "group" = $1 AND instance = $2 AND member <> $3'
_BURY = 'DELETE FROM bus_member WHERE "group" = $1 AND until < clock_timestamp()'
_DEAL = """
WITH seat AS (
    SELECT topic, member, row_number() OVER (PARTITION BY topic ORDER BY instance, member) - 1 AS seat,
           count(*) OVER (PARTITION BY topic) AS seats
    FROM bus_member, unnest(topics) AS topic WHERE "group" = $1
)
UPDATE bus_offset o SET assigned = seat.member, holder = CASE
    WHEN EXISTS (SELECT FROM bus_member m WHERE m."group" = $1 AND m.member = o.holder) THEN o.holder ELSE seat.member
END FROM seat WHERE o."group" = $1 AND o.topic = seat.topic AND o.partition % seat.seats = seat.seat
"""
_RENEW = """
UPDATE bus_member SET until = clock_timestamp() + make_interval(secs => $3) WHERE "group" = $1 AND member = $2
RETURNING (SELECT generation FROM bus_group g WHERE g."group" = $1) AS generation,
          EXISTS (SELECT FROM bus_member m WHERE m."group" = $1 AND m.until < clock_timestamp()) AS deaths
"""
_GENERATION = 'SELECT generation FROM bus_group WHERE "group" = $1 FOR UPDATE'
_HAND_OVER = 'UPDATE bus_offset SET holder = assigned WHERE "group" = $1 AND holder = $2 AND assigned <> $2 RETURNING 1'
_HELD = """
SELECT topic, partition, coalesce(o.next_offset, first_offset) AS start FROM bus_offset o
JOIN bus_partition p USING (topic, partition) WHERE "group" = $1 AND holder = $2
"""
_COMMIT = """
UPDATE bus_offset o SET next_offset = done.next_offset
FROM unnest($3::text[], $4::integer[], $5::bigint[]) AS done(topic, partition, next_offset)
WHERE o."group" = $1 AND o.holder = $2 AND o.topic = done.topic AND o.partition = done.partition RETURNING 1
"""
_EXPIRED = """
SELECT topic, partition, first_offset - o.next_offset AS lost FROM bus_offset o
JOIN bus_partition p USING (topic, partition) WHERE "group" = $1 AND holder = $2 AND o.next_offset < first_offset
"""


@dataclass(frozen=True, slots=True)
class Share:
    """What a member holds, and from where each begins; true until the group's generation is another."""

    generation: int
    starts: dict[TopicPartition, int]


class Membership:
    """One member's dealings with its group. Every method raises BusUnavailable."""

    def __init__(self, database: BusDatabase, group: str, topics: Sequence[str], instance: str) -> None:
        self._database, self._group, self._topics, self._instance = database, group, list(topics), instance
        self._member: UUID = uuid4()

    async def join(self) -> None:
        """Become a member, in the place of an earlier process of this instance."""
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK, self._group)
            await connection.execute(_REPLACE, self._group, self._instance, self._member)
            await connection.execute(_BURY, self._group)
            await connection.execute(_JOIN, self._group, self._member, self._instance, self._topics, LEASE_SECONDS)
            await connection.execute(_KNOW_PARTITIONS, self._group, self._topics)
            await connection.execute(_DEAL, self._group)

    async def leave(self) -> None:
        """End the membership; what was held goes to the others at once."""
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK, self._group)
            await connection.execute(_LEAVE, self._group, self._member)
            await connection.execute(_DEAL, self._group)

    async def renew(self) -> int | None:
        """Prolong the lease, and bury members whose lease ended. The group's generation; None: no member any more."""
        rows = await self._database.fetch(_RENEW, self._group, self._member, LEASE_SECONDS)
        if not rows:
            return None
        if rows[0]["deaths"]:
            await self._bury()
        generation: int = rows[0]["generation"]
        return generation

    async def _bury(self) -> None:
        async with self._database.transaction() as connection:
            await connection.execute(_LOCK, self._group)
            await connection.execute(_BURY, self._group)
            await connection.execute(_DEAL, self._group)

    async def settle(self) -> Share:
        """Hand over what another member should have, and learn what is held."""
        async with self._database.transaction() as connection:
            generation = await connection.fetchval(_GENERATION, self._group)
            if await connection.fetch(_HAND_OVER, self._group, self._member):
                await connection.execute(_LOCK, self._group)
                generation += 1
            rows = await connection.fetch(_HELD, self._group, self._member)
        return Share(generation, {_place(row): row["start"] for row in rows})

    async def commit(self, offsets: dict[TopicPartition, int]) -> int:
        """Store offsets of partitions that are held; tells how many were not."""
        places = [[place.topic for place in offsets], [place.partition for place in offsets], list(offsets.values())]
        return len(offsets) - len(await self._database.fetch(_COMMIT, self._group, self._member, *places))

    async def expired(self) -> dict[TopicPartition, int]:
        """Records of held partitions that the retention dropped before they were committed."""
        rows = await self._database.fetch(_EXPIRED, self._group, self._member)
        return {_place(row): row["lost"] for row in rows}


def _place(row: Any) -> TopicPartition:
    return TopicPartition(row["topic"], row["partition"])
