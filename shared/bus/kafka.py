"""The bus on Kafka, by aiokafka, with the limits and time-outs that its behaviour under faults asks for.

Producers are idempotent, so a broker that dies or freezes costs neither loss nor repetition nor order while one
producer lives. Nothing of the client is waited for without a limit: a dead broker makes some of its calls hang.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    CommitFailedError,
    IllegalGenerationError,
    IllegalStateError,
    KafkaError,
    RebalanceInProgressError,
    TopicAlreadyExistsError,
    UnknownMemberIdError,
    for_code,
)

from shared.bus.port import (
    PARTITIONS,
    RETENTION_SECONDS,
    BusUnavailable,
    CommitLost,
    Received,
    Record,
    TopicPartition,
)

log = structlog.get_logger()

MAX_MESSAGE_BYTES = 1_048_576
STOP_SECONDS = 2.0
COMMIT_SECONDS = 5.0
START_SECONDS = 10.0
_TOPIC_CONFIG = {
    "retention.ms": str(RETENTION_SECONDS * 1000),
    "cleanup.policy": "delete",
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
}
_LOST = (CommitFailedError, IllegalGenerationError, UnknownMemberIdError, RebalanceInProgressError, IllegalStateError)


class KafkaBus:
    """`bootstrap` is HOST:PORT[,HOST:PORT]; `replication` the copies of each topic made here."""

    def __init__(self, bootstrap: str, *, replication: int = 1) -> None:
        self._bootstrap, self._replication = bootstrap, replication

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Create missing topics. Raises BusUnavailable."""
        async with _translated("the broker did not create the topics"):
            await asyncio.wait_for(self._create(topics), START_SECONDS)

    async def _create(self, topics: Sequence[str]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, request_timeout_ms=5000)
        try:
            await admin.start()
            missing = sorted(set(topics) - set(await admin.list_topics()))
            if not missing:
                return
            new = [
                NewTopic(
                    name,
                    num_partitions=PARTITIONS,
                    replication_factor=self._replication,
                    topic_configs=_topic_config(self._replication),
                )
                for name in missing
            ]
            response = await admin.create_topics(new)
            for name, code, *_ in response.topic_errors:
                error = for_code(code)
                if code and error is not TopicAlreadyExistsError:
                    raise BusUnavailable(f"topic {name}: {error.__name__}")
        finally:
            await _bounded(admin.close(), STOP_SECONDS)

    def producer(self) -> "KafkaProducer":
        """A new producer, not started."""
        return KafkaProducer(self._bootstrap)

    def subscribe(self, group: str, topics: Sequence[str], *, instance: str) -> "KafkaSubscription":
        """A new group member, not started. A restarted process of the same `instance` takes its place at once."""
        return KafkaSubscription(self._bootstrap, group, topics, instance)

    async def close(self) -> None:
        """Nothing is held between calls."""


def _topic_config(replication: int) -> dict[str, str]:
    return {**_TOPIC_CONFIG, "min.insync.replicas": "2"} if replication > 2 else _TOPIC_CONFIG


class KafkaProducer:
    """One idempotent producer; thrown away after any failed record."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._client: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. Raises BusUnavailable."""
        self._client = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            max_batch_size=262_144,
            linger_ms=0,
            max_request_size=MAX_MESSAGE_BYTES,
            request_timeout_ms=10_000,
            retry_backoff_ms=100,
        )
        async with _translated("the broker cannot be reached"):
            await asyncio.wait_for(self._client.start(), START_SECONDS)

    async def send_all(self, records: Sequence[Record], timeout: float) -> list[BaseException | None]:
        """Send in order; one outcome a record. A record not acknowledged in time has BusUnavailable as its outcome."""
        assert self._client is not None
        futures: list[asyncio.Future[Any]] = []
        failure: BaseException | None = None
        try:
            async with asyncio.timeout(timeout):
                for record in records:
                    futures.append(
                        await self._client.send(
                            record.topic, record.value, key=record.key, headers=list(record.headers)
                        )
                    )
                await asyncio.wait(futures)
        except TimeoutError:
            failure = BusUnavailable(f"no acknowledgement within {timeout:g} s")
        except (KafkaError, OSError) as error:
            failure = error
        outcomes = [_outcome(future) for future in futures]
        missing = failure or BusUnavailable("not sent")
        return outcomes + [missing] * (len(records) - len(outcomes))

    async def stop(self) -> None:
        """Disconnect within 2 s; a client that hangs on a pending batch is abandoned."""
        client, self._client = self._client, None
        if client is not None:
            await _bounded(client.stop(), STOP_SECONDS)


def _outcome(future: "asyncio.Future[Any]") -> BaseException | None:
    if not future.done():
        # Nobody waits for it any more; without this its late failure would be logged as never retrieved.
        future.add_done_callback(lambda late: late.cancelled() or late.exception())
        return BusUnavailable("not acknowledged in time")
    if future.cancelled():
        return BusUnavailable("cancelled")
    return future.exception()


class KafkaSubscription:
    """One group member with manual commits."""

    def __init__(self, bootstrap: str, group: str, topics: Sequence[str], instance: str) -> None:
        self._bootstrap, self._group, self._topics, self._instance = bootstrap, group, topics, instance
        self._client: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Join the group. Raises BusUnavailable."""
        self._client = AIOKafkaConsumer(
            *self._topics,
            bootstrap_servers=self._bootstrap,
            group_id=self._group,
            group_instance_id=f"{self._group}-{self._instance}",
            client_id=f"laurel-{self._group}-{os.getpid()}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=10_000,
            heartbeat_interval_ms=3_000,
            max_poll_interval_ms=300_000,
            fetch_max_wait_ms=500,
            request_timeout_ms=15_000,
            metadata_max_age_ms=30_000,
        )
        async with _translated("the broker cannot be reached"):
            await asyncio.wait_for(self._client.start(), START_SECONDS)

    async def poll(self, max_records: int, timeout: float) -> Mapping[TopicPartition, Sequence[Received]]:
        """Records of the partitions assigned now; empty after `timeout` seconds. Raises BusUnavailable."""
        assert self._client is not None
        async with _translated("fetching failed"):
            batches = await self._client.getmany(timeout_ms=int(timeout * 1000), max_records=max_records)
        return {
            TopicPartition(partition.topic, partition.partition): [_received(record) for record in batch]
            for partition, batch in batches.items()
        }

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store offsets within 5 s. Raises CommitLost, BusUnavailable."""
        assert self._client is not None
        wanted = {KafkaPartition(place.topic, place.partition): offset for place, offset in offsets.items()}
        try:
            await asyncio.wait_for(self._client.commit(wanted), COMMIT_SECONDS)
        except _LOST as error:
            raise CommitLost(type(error).__name__) from error
        except (KafkaError, OSError, TimeoutError) as error:
            raise BusUnavailable(f"committing offsets: {type(error).__name__}") from error

    def rewind(self, partition: TopicPartition, offset: int) -> None:
        """Deliver from `offset` again; a partition that another member has by now is left to it."""
        assert self._client is not None
        with contextlib.suppress(IllegalStateError):
            self._client.seek(KafkaPartition(partition.topic, partition.partition), offset)

    async def lag(self) -> Mapping[TopicPartition, int]:
        """Records not yet delivered, as far as the client has seen the end of each partition."""
        assert self._client is not None
        behind = {}
        for partition in self._client.assignment():
            end = self._client.highwater(partition)
            if end is None:
                continue
            with contextlib.suppress(KafkaError):
                position = await asyncio.wait_for(self._client.position(partition), 1)
                behind[TopicPartition(partition.topic, partition.partition)] = max(0, end - position)
        return behind

    async def expired(self) -> Mapping[TopicPartition, int]:
        """Records lost to retention before this group read them. Raises BusUnavailable."""
        assert self._client is not None
        lost = {}
        async with _translated("offsets cannot be compared"):
            async with asyncio.timeout(START_SECONDS):
                assigned = list(self._client.assignment())
                beginnings = await self._client.beginning_offsets(assigned) if assigned else {}
                for partition, beginning in beginnings.items():
                    committed = await self._client.committed(partition)
                    if committed is not None and committed < beginning:
                        lost[TopicPartition(partition.topic, partition.partition)] = beginning - committed
        return lost

    async def stop(self) -> None:
        """Leave within 2 s; a client that hangs is abandoned."""
        client, self._client = self._client, None
        if client is not None:
            await _bounded(client.stop(), STOP_SECONDS)


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


async def _bounded(work: Awaitable[Any], seconds: float) -> None:
    """Wait for a client's clean-up at most `seconds`, whatever it raises: a cancelled one may raise CancelledError."""
    task = asyncio.ensure_future(work)
    done, pending = await asyncio.wait({task}, timeout=seconds)
    for each in pending:
        each.cancel()
        each.add_done_callback(lambda late: late.cancelled() or late.exception())
    for each in done:
        if not each.cancelled() and (error := each.exception()) is not None:
            log.debug("kafka.stop_failed", error=type(error).__name__)


@contextlib.asynccontextmanager
async def _translated(what: str) -> Any:
    try:
        yield
    except BusUnavailable:
        raise
    except (KafkaError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"{what}: {type(error).__name__}") from error
