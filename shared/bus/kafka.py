"""The bus on Kafka, by aiokafka, with the limits that its behaviour under faults asks for (docs/decisions/0030).

Nothing of the client is waited for without a limit: a dead broker makes some of its calls hang for ever.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from shared.bus.kafka_logging import quieten
from shared.bus.kafka_subscription import KafkaSubscription, translated
from shared.bus.port import PARTITIONS, RETENTION_SECONDS, BusUnavailable, Record
from shared.bus.waiting import bounded

MAX_MESSAGE_BYTES = 1_048_576
MAX_BATCH_BYTES = 262_144
START_SECONDS = 10.0
FLUSH_SECONDS = 1.5
CLOSE_SECONDS = 0.4
_TOPIC_CONFIG = {
    "retention.ms": str(RETENTION_SECONDS * 1000),
    "cleanup.policy": "delete",
    "max.message.bytes": str(MAX_MESSAGE_BYTES),
}


class KafkaBus:
    """`bootstrap` is HOST:PORT[,HOST:PORT]; `replication` the copies of each topic made here.

    Three copies or more ask for two in sync before a record counts as stored.
    """

    def __init__(self, bootstrap: str, *, replication: int = 1) -> None:
        self.bootstrap, self._replication = bootstrap, replication
        quieten()

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        """Create missing topics, also ones deleted since the last call. Raises BusUnavailable."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=5000)
        try:
            async with translated("the topics cannot be made"), asyncio.timeout(START_SECONDS):
                await admin.start()
                await self._create(admin, sorted(set(topics) - set(await admin.list_topics())))
        finally:
            await bounded(admin.close(), CLOSE_SECONDS)

    async def _create(self, admin: AIOKafkaAdminClient, missing: Sequence[str]) -> None:
        if not missing:
            return
        config = {**_TOPIC_CONFIG, "min.insync.replicas": "2"} if self._replication > 2 else _TOPIC_CONFIG
        response = await admin.create_topics(
            [NewTopic(name, PARTITIONS, self._replication, topic_configs=config) for name in missing]
        )
        for name, code, *_ in response.topic_errors:
            error = for_code(code)
            if code and error is not TopicAlreadyExistsError:  # another process was quicker
                raise BusUnavailable(f"topic {name} cannot be made: {error.__name__}")

    def producer(self) -> "KafkaProducer":
        """A new producer, not started."""
        return KafkaProducer(self.bootstrap)

    def subscribe(self, group: str, topics: Sequence[str], *, instance: str) -> KafkaSubscription:
        """A new group member, not started. A restarted process of the same `instance` takes its place at once."""
        return KafkaSubscription(self.bootstrap, group, topics, instance)

    async def close(self) -> None:
        """Nothing is held between calls."""


class KafkaProducer:
    """One idempotent producer. A broker that dies or freezes costs it neither loss nor repetition nor order."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._client: AIOKafkaProducer | None = None
        self._failed = False

    async def start(self) -> None:
        """Connect. Raises BusUnavailable."""
        self._client = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            enable_idempotence=True,
            acks="all",
            max_batch_size=MAX_BATCH_BYTES,
            linger_ms=0,
            max_request_size=MAX_MESSAGE_BYTES,
            request_timeout_ms=10_000,
        )
        try:
            async with translated("the broker cannot be reached"), asyncio.timeout(START_SECONDS):
                await self._client.start()
        except BusUnavailable:
            await self.stop()
            raise

    async def send_all(self, records: Sequence[Record], timeout: float) -> list[BaseException | None]:
        """Send in order; one outcome a record. A record not acknowledged in time has BusUnavailable as its outcome."""
        sent: list[asyncio.Future[Any]] = []
        failure: BaseException = BusUnavailable(f"not acknowledged within {timeout:g} s")
        try:
            async with asyncio.timeout(timeout):
                for record in records:
                    sent.append(await self._send(record))
                await asyncio.gather(*sent, return_exceptions=True)
        except TimeoutError:
            self._failed = True
        except (KafkaError, OSError) as error:
            failure = error
        outcomes = [_outcome(future, failure) for future in sent]
        outcomes += [failure] * (len(records) - len(sent))
        self._failed = self._failed or any(outcomes)
        return outcomes

    async def _send(self, record: Record) -> "asyncio.Future[Any]":
        assert self._client is not None, "the producer was not started"
        future: asyncio.Future[Any] = await self._client.send(
            record.topic, record.value, key=record.key, headers=list(record.headers)
        )
        return future

    async def stop(self) -> None:
        """Disconnect within 2 s. What was not acknowledged is dropped, never sent later on: the caller has it still."""
        client, self._client = self._client, None
        if client is None:
            return
        if not self._failed and await bounded(client.stop(), FLUSH_SECONDS):
            return
        client._closed = True
        # The client's own stop waits for its batches, for ever while the broker is away, and abandoning it leaves a
        # task that sends them whenever the broker comes back. There is no public way to drop them.
        if client._sender is not None and client._sender.sender_task is not None:
            client._sender.sender_task.cancel()
        await bounded(client.client.close(), CLOSE_SECONDS)


def _outcome(future: "asyncio.Future[Any]", failure: BaseException) -> BaseException | None:
    if not future.done() or future.cancelled():
        return failure
    return future.exception()
