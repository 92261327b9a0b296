"""What a bus is to Laurel. Both adapters keep these promises and pass `tests/contract/test_bus.py`.

Records of one key are delivered in the order they were acknowledged, at least once, to each consumer group;
committed offsets survive a restart of client and bus.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

PARTITIONS = 12
RETENTION_SECONDS = 14 * 24 * 3600


@dataclass(frozen=True, slots=True)
class TopicPartition:
    """One ordered log. A key always maps to the same partition of a topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """What a producer sends."""

    topic: str
    key: bytes
    value: bytes
    headers: Sequence[tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Received:
    """What a consumer gets: the record and its place. `timestamp_ms` is when the bus took it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]
    timestamp_ms: int


class Producer(Protocol):
    """Sends records. After any failed outcome the producer must be stopped and replaced, never used again."""

    async def start(self) -> None:
        """Connect. Raises BusUnavailable at once when the bus is away; the caller retries."""

    async def send_all(self, records: Sequence[Record], timeout: float) -> list[BaseException | None]:
        """Send in order and wait at most `timeout` seconds. One outcome a record: None is acknowledged and durable.

        A record whose outcome is an exception may have been stored nevertheless.
        """
        ...

    async def stop(self) -> None:
        """Disconnect within 2 s whatever state the bus is in; never raises."""


class Subscription(Protocol):
    """One member of a consumer group."""

    async def start(self) -> None:
        """Join the group. Raises BusUnavailable at once when the bus is away; the caller retries."""

    async def poll(self, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Received]]:
        """Records of the partitions assigned now, in order in each; empty after `timeout` seconds without any.

        Starts at the committed offset, or at the beginning of the log. Raises BusUnavailable.
        """
        ...

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store the offsets to go on from (last handled + 1), in at most 5 s.

        Raises CommitLost when another member took a partition meanwhile, BusUnavailable when the bus is away.
        """

    def rewind(self, partition: TopicPartition, offset: int) -> None:
        """Deliver from `offset` again at the next poll; for a batch that could not be handled yet."""

    async def lag(self) -> Mapping[TopicPartition, int]:
        """Records not yet delivered, for each assigned partition."""
        ...

    async def expired(self) -> Mapping[TopicPartition, int]:
        """Records lost to retention before this group read them (beginning − committed, where positive)."""
        ...

    async def stop(self) -> None:
        """Leave the group within 2 s whatever state the bus is in; never raises."""


class Bus(Protocol):
    """The way in: makes producers and subscriptions."""

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Create missing topics with PARTITIONS partitions and RETENTION_SECONDS. Raises BusUnavailable."""

    def producer(self) -> Producer:
        """A new producer, not started."""
        ...

    def subscribe(self, group: str, topics: Sequence[str], *, instance: str) -> Subscription:
        """A new group member, not started. `instance` names this process across restarts."""
        ...

    async def close(self) -> None:
        """Release what the adapter itself holds."""


class BusUnavailable(Exception):
    """The bus cannot be reached or does not answer; trying again later may work."""


class CommitLost(Exception):
    """The partition belongs to another member now; its records will be handled there (again)."""
