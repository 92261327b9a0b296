"""A member of a Kafka consumer group: static membership, manual commits, every wait bounded."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    UnknownMemberIdError,
)

from shared.bus.port import BusUnavailable, CommitLost, Received, TopicPartition
from shared.bus.waiting import bounded

SESSION_SECONDS = 10.0
START_SECONDS = 20.0  # joining waits for members that died, for as long as their session lasts
COMMIT_SECONDS = 5.0
LEAVE_SECONDS = 1.5
CLOSE_SECONDS = 0.4
_LOST = (CommitFailedError, IllegalGenerationError, UnknownMemberIdError, RebalanceInProgressError, IllegalStateError)


@contextlib.asynccontextmanager
async def translated(what: str) -> AsyncIterator[None]:
    """Turn the client's errors and time-outs into BusUnavailable."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"{what}: {type(error).__name__}") from error


class KafkaSubscription:
    """One member. It keeps its partitions over a restart shorter than the session, and gives them up by `stop`."""

    def __init__(self, bootstrap: str, group: str, topics: Sequence[str], instance: str) -> None:
        self._bootstrap, self._group, self._topics, self._instance = bootstrap, group, topics, instance
        self._client: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Join the group. Raises BusUnavailable."""
        self._client = AIOKafkaConsumer(
            *self._topics,
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            group_instance_id=self._instance,
            client_id=f"laurel-{self._group}-{self._instance}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(SESSION_SECONDS * 1000),
            heartbeat_interval_ms=3_000,
            max_poll_interval_ms=300_000,
            fetch_max_wait_ms=500,
            request_timeout_ms=15_000,
            metadata_max_age_ms=10_000,  # how soon a topic that was made anew is found
        )
        try:
            async with translated("the broker cannot be reached"), asyncio.timeout(START_SECONDS):
                await self._client.start()
        except BusUnavailable:
            await self.stop()
            raise

    async def poll(self, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Received]]:
        """Records of the partitions assigned now; empty after `timeout` seconds. Raises BusUnavailable."""
        async with translated("fetching failed"):
            batches = await self._joined().getmany(timeout_ms=int(timeout * 1000), max_records=max_records)
        return {_place(partition): [_received(record) for record in batch] for partition, batch in batches.items()}

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store offsets within 5 s. Raises CommitLost, BusUnavailable."""
        wanted = {KafkaPartition(place.topic, place.partition): offset for place, offset in offsets.items()}
        try:
            async with translated("offsets cannot be stored"), asyncio.timeout(COMMIT_SECONDS):
                await self._joined().commit(wanted)
        except BusUnavailable as error:
            if isinstance(error.__cause__, _LOST):
                raise CommitLost(f"{self._group}: {type(error.__cause__).__name__}") from error.__cause__
            raise

    def rewind(self, partition: TopicPartition, offset: int) -> None:
        """Deliver from `offset` again; a partition that another member has by now is left to it."""
        with contextlib.suppress(IllegalStateError):
            self._joined().seek(KafkaPartition(partition.topic, partition.partition), offset)

    async def lag(self) -> Mapping[TopicPartition, int]:
        """Records not yet delivered, as far as the client has seen the end of each partition."""
        client = self._joined()
        ends = {partition: client.highwater(partition) for partition in client.assignment()}
        known = [partition for partition, end in ends.items() if end is not None]
        positions = await _values((client.position(partition) for partition in known), 1.0)
        return {
            _place(partition): max(0, ends[partition] - position)
            for partition, position in zip(known, positions, strict=True)
            if position is not None
        }

    async def expired(self) -> Mapping[TopicPartition, int]:
        """Records lost to retention before this group read them. Raises BusUnavailable."""
        client = self._joined()
        async with translated("offsets cannot be compared"), asyncio.timeout(START_SECONDS):
            assigned = list(client.assignment())
            beginnings = await client.beginning_offsets(assigned) if assigned else {}
            committed = [await client.committed(partition) for partition in assigned]
        return {
            _place(partition): beginnings[partition] - offset
            for partition, offset in zip(assigned, committed, strict=True)
            if offset is not None and offset < beginnings[partition]
        }

    async def stop(self) -> None:
        """Leave the group within 2 s; its partitions go to the other members at once."""
        client, self._client = self._client, None
        if client is None:
            return
        coordinator, fetcher = client._coordinator, client._fetcher
        if coordinator is not None:
            # A static member's client never says that it leaves, and the others wait for its session to end: 9.3 s
            # without work, against 1.2 s. There is no public way to say it.
            coordinator._group_instance_id = None
        if await bounded(client.stop(), LEAVE_SECONDS):
            return
        tasks = [] if coordinator is None else [coordinator._coordination_task, coordinator._heartbeat_task]
        tasks += [] if fetcher is None else [fetcher._fetch_task]
        for task in tasks:
            if task is not None:
                task.cancel()
        await bounded(client._client.close(), CLOSE_SECONDS)

    def _joined(self) -> AIOKafkaConsumer:
        assert self._client is not None, "the subscription was not started"
        return self._client


async def _values(work: Iterable[Coroutine[Any, Any, int]], seconds: float) -> list[int | None]:
    """What each came to within `seconds` altogether; None where it did not or failed."""
    tasks = [asyncio.ensure_future(one) for one in work]
    if tasks:
        await asyncio.wait(tasks, timeout=seconds)
    values: list[int | None] = []
    for task in tasks:
        task.cancel()
        try:
            values.append(task.result() if task.done() else None)
        except (KafkaError, asyncio.CancelledError):
            values.append(None)
    return values


def _place(partition: KafkaPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)


def _received(record: Any) -> Received:
    return Received(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        key=record.key,
        value=record.value,
        headers=record.headers,
        timestamp_ms=record.timestamp,
    )
