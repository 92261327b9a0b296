"""A member of a consumer group on the embedded bus."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from shared.bus.embedded_database import BusDatabase
from shared.bus.embedded_group import LEASE_SECONDS, Membership
from shared.bus.embedded_records import FETCH, received
from shared.bus.embedded_wakeups import Wakeups
from shared.bus.port import BusUnavailable, CommitLost, Received, TopicPartition
from shared.bus.waiting import bounded

POLL_FLOOR = 0.5
RENEW_EVERY = 1.0
EXPIRE_EVERY = 3600.0
# Who did not poll for so long is stuck and gives up its partitions.
MAX_POLL_INTERVAL = 300.0
MAX_PARTITION_BYTES = 1_048_576
LEAVE_SECONDS = 1.8

_HEADS = "SELECT topic, partition, next_offset, first_offset FROM bus_partition WHERE topic = ANY($1)"


class EmbeddedSubscription:
    """One member: holds partitions, remembers how far it has read, and keeps its lease by a task of its own."""

    def __init__(
        self,
        database: BusDatabase,
        wakeups: Wakeups,
        membership: Membership,
        topics: Sequence[str],
        expire: Callable[[], Awaitable[None]],
    ) -> None:
        self._database, self._wakeups, self._membership = database, wakeups, membership
        self._topics, self._expire = list(topics), expire
        self._positions: dict[TopicPartition, int] = {}
        self._ends: dict[TopicPartition, int] = {}
        self._settled: int | None = None
        self._seen: int | None = None
        self._renewed_at = self._polled_at = time.monotonic()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Join the group. Raises BusUnavailable."""
        await self._join()
        await self._settle()
        self._tasks = [asyncio.create_task(self._keep_lease()), asyncio.create_task(self._keep_retention())]

    async def poll(self, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Received]]:
        """Records of the partitions held now; empty after `timeout` seconds. Raises BusUnavailable."""
        deadline = time.monotonic() + timeout
        with self._wakeups.listening(self._topics, self._arrived):
            while True:
                self._polled_at = time.monotonic()
                self._arrived.clear()
                await self._check_membership()
                if batches := await self._fetch(max_records):
                    return batches
                wait = min(deadline - time.monotonic(), POLL_FLOOR)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._arrived.wait(), wait)
                if not self._arrived.is_set() and time.monotonic() >= deadline:
                    return {}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store offsets. Raises CommitLost when another member has a partition now, BusUnavailable."""
        if lost := await self._membership.commit(dict(offsets)):
            raise CommitLost(f"{lost} of {len(offsets)} partitions are another member's")

    def rewind(self, partition: TopicPartition, offset: int) -> None:
        """Deliver from `offset` again at the next poll; a partition another member has by now is left to it."""
        if partition in self._positions:
            self._positions[partition] = offset

    async def lag(self) -> Mapping[TopicPartition, int]:
        """Records not yet delivered, for each partition held, as of the last poll."""
        return {place: self._ends[place] - at for place, at in self._positions.items() if place in self._ends}

    async def expired(self) -> Mapping[TopicPartition, int]:
        """Records dropped by the retention before this group committed them. Raises BusUnavailable."""
        return await self._membership.expired()

    async def stop(self) -> None:
        """Leave the group within 2 s; its partitions go to the other members at once."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if tasks:
            await bounded(self._membership.leave(), LEAVE_SECONDS)

    async def _join(self) -> None:
        started = time.monotonic()
        await self._membership.join()
        self._renewed_at = started
        self._positions, self._settled, self._seen = {}, None, None

    async def _check_membership(self) -> None:
        """Learn what is held when that may have changed; become a member again after having been frozen."""
        if time.monotonic() - self._renewed_at > LEASE_SECONDS:
            await self._renew()
        if self._seen is None:
            await self._join()
        if self._settled is None or self._settled != self._seen:
            await self._settle()

    async def _settle(self) -> None:
        share = await self._membership.settle()
        self._positions = {place: self._positions.get(place, start) for place, start in share.starts.items()}
        self._settled = self._seen = share.generation

    async def _renew(self) -> None:
        started = time.monotonic()
        self._seen = await self._membership.renew()
        self._renewed_at = started

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY)
            if time.monotonic() - self._polled_at < MAX_POLL_INTERVAL:
                with contextlib.suppress(BusUnavailable):
                    await self._renew()

    async def _keep_retention(self) -> None:
        while True:
            await asyncio.sleep(EXPIRE_EVERY)
            with contextlib.suppress(BusUnavailable):
                await self._expire()

    async def _fetch(self, max_records: int) -> dict[TopicPartition, list[Received]]:
        for row in await self._database.fetch(_HEADS, self._topics):
            place = TopicPartition(row["topic"], row["partition"])
            self._ends[place] = row["next_offset"]
            if place in self._positions:  # what the retention dropped is not waited for
                self._positions[place] = max(self._positions[place], row["first_offset"])
        ranges = share_out(self._positions, self._ends, max_records)
        if not ranges:
            return {}
        columns = [
            [place.topic for place, _, _ in ranges],
            [place.partition for place, _, _ in ranges],
            [first for _, first, _ in ranges],
            [records for _, _, records in ranges],
        ]
        return self._deliver(received(row) for row in await self._database.fetch(FETCH, *columns, MAX_PARTITION_BYTES))

    def _deliver(self, records: Iterable[Received]) -> dict[TopicPartition, list[Received]]:
        batches: dict[TopicPartition, list[Received]] = {}
        for record in records:
            batches.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
        for place, batch in batches.items():
            self._positions[place] = batch[-1].offset + 1
        return batches


def share_out(
    positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int], max_records: int
) -> list[tuple[TopicPartition, int, int]]:
    """How many records to read from where, at most `max_records` altogether: no partition waits behind another.

    Small backlogs are read whole; what they leave of their equal share goes to the larger ones.
    """
    backlogs = sorted((ends.get(place, at) - at, place.topic, place.partition) for place, at in positions.items())
    ranges, left = [], max_records
    waiting = [(backlog, TopicPartition(topic, number)) for backlog, topic, number in backlogs if backlog > 0]
    for number, (backlog, place) in enumerate(waiting):
        records = min(backlog, -(-left // (len(waiting) - number)))
        if records:
            ranges.append((place, positions[place], records))
            left -= records
    return ranges
