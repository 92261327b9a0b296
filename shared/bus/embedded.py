"""The bus as a durable log in Postgres, for the embedded mode: Kafka's promises, one machine (docs/decisions/0031)."""

import asyncio
from collections.abc import Sequence

from shared.bus.embedded_database import BusDatabase
from shared.bus.embedded_group import Membership
from shared.bus.embedded_records import APPEND, EXPIRE, append_arguments
from shared.bus.embedded_subscription import EmbeddedSubscription
from shared.bus.embedded_wakeups import Wakeups
from shared.bus.port import PARTITIONS, RETENTION_SECONDS, BusUnavailable, Record

_EXPIRE_STEP = 1000
_EXPIRE_SECONDS = 30.0
_CREATE = """
INSERT INTO bus_partition (topic, partition)
SELECT topic, partition FROM unnest($1::text[]) AS topic, generate_series(0, $2 - 1) AS partition
ON CONFLICT DO NOTHING
"""


class EmbeddedBus:
    """`url` is the address, as owner, of the bus's own database; connections are made when first used."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._database = BusDatabase(url)
        self._wakeups = Wakeups(url)

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Make the tables and the missing topics, and drop what is older than the retention. Raises BusUnavailable."""
        await self._database.make_schema()
        await self._database.fetch(_CREATE, sorted(set(topics)), PARTITIONS)
        await self.expire()

    async def expire(self) -> None:
        """Drop records older than the retention; members of groups do it every hour. Raises BusUnavailable."""
        while True:  # in steps, so that no statement runs long
            [[dropped]] = await self._database.fetch(
                EXPIRE, float(RETENTION_SECONDS), _EXPIRE_STEP, within=_EXPIRE_SECONDS
            )
            if not dropped:
                return

    def producer(self) -> "EmbeddedProducer":
        """A new producer, not started."""
        return EmbeddedProducer(self._database, self._wakeups)

    def subscribe(self, group: str, topics: Sequence[str], *, instance: str) -> EmbeddedSubscription:
        """A new group member, not started. A restarted process of the same `instance` takes its place at once."""
        membership = Membership(self._database, group, topics, instance)
        return EmbeddedSubscription(self._database, self._wakeups, membership, topics, self.expire)

    async def close(self) -> None:
        """Close the connections."""
        await self._wakeups.close()
        await self._database.close()


class EmbeddedProducer:
    """Appends batches, each in one statement: it is stored whole or not at all."""

    def __init__(self, database: BusDatabase, wakeups: Wakeups) -> None:
        self._database, self._wakeups = database, wakeups

    async def start(self) -> None:
        """Connect. Raises BusUnavailable."""
        await self._database.fetch("SELECT 1")

    async def send_all(self, records: Sequence[Record], timeout: float) -> list[BaseException | None]:
        """Append all; only a record of a topic nobody made fails alone."""
        if not records:
            return []
        try:
            async with asyncio.timeout(timeout):
                rows = await self._database.fetch(APPEND, *append_arguments(records), within=timeout)
        except (BusUnavailable, TimeoutError) as error:
            failure = BusUnavailable(f"not acknowledged: {error!r}")
            return [failure] * len(records)
        known = {row["topic"] for row in rows}
        self._wakeups.announce(known)
        return [None if r.topic in known else BusUnavailable(f"there is no topic {r.topic}") for r in records]

    async def stop(self) -> None:
        """Nothing is held between calls."""
