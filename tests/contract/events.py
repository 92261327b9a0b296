"""Events, topics and a harmful bus for the contract tests of outbox and inbox."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg

from shared.bus.port import Bus, BusUnavailable, Producer, Received, Record, Subscription
from shared.events.catalogue import CredentialRegistered
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from shared.outbox import outbox
from shared.postgres.database import Database


def new_topic() -> str:
    """A topic no other test uses."""
    return f"test-{uuid4().hex[:12]}"


def registered(subject: UUID, version: int = 1) -> CredentialRegistered:
    """An event whose key is `subject`."""
    return CredentialRegistered(
        version=version,
        credential_id=subject,
        institution_id=uuid4(),
        achievement_id=uuid4(),
        document_sha256="0" * 64,
        registered_at=datetime.now(UTC),
    )


def envelope_of(event: Event, event_id: UUID | None = None) -> Envelope:
    """An envelope as the outbox makes it."""
    return Envelope(
        id=event_id or new_id(),
        type=event.TYPE,
        source="/registry",
        subject=event.key,
        time=datetime.now(UTC),
        sequence=event.version,
    )


def record_of(topic: str, event: Event, event_id: UUID | None = None, **changed: bytes | None) -> Record:
    """The bus record of an event; `changed` replaces headers (None drops one) and, under `value`, the value."""
    value = changed.pop("value", None) or event.to_value()
    headers = {**dict(envelope_of(event, event_id).headers()), **changed}
    kept = [(name, text) for name, text in headers.items() if text is not None]
    return Record(topic, event.key.encode(), value, kept)


async def append_to(db: Database, topic: str, events: Sequence[Event]) -> None:
    """Put events in the outbox, each in a transaction of its own, on the way to `topic`."""
    for event in events:
        async with db.worker() as tx:
            await outbox.append_notice(tx, topic, event.key, envelope_of(event), event.to_value())


async def publish(bus: Bus, records: Sequence[Record]) -> None:
    """Send records; every one has to be acknowledged."""
    await bus.ensure_topics(sorted({record.topic for record in records}))
    producer = bus.producer()
    await producer.start()
    try:
        assert await producer.send_all(records, 10) == [None] * len(records)
    finally:
        await producer.stop()


async def read_until(
    bus: Bus, topic: str, enough: Callable[[list[Received]], bool], seconds: float = 20
) -> list[Received]:
    """All records of a topic from its beginning, until there are enough of them."""
    await bus.ensure_topics([topic])
    reader = bus.subscribe(f"reader-{uuid4().hex[:8]}", [topic], instance="reader")
    found: list[Received] = []
    deadline = time.monotonic() + seconds
    try:
        await reader.start()
        while not enough(found):
            assert time.monotonic() < deadline, f"only {len(found)} records of {topic} after {seconds} s"
            for batch in (await reader.poll(1000, 0.2)).values():
                found += batch
    finally:
        await reader.stop()
    return found


def first_occurrences(records: Sequence[Received]) -> dict[str, list[int]]:
    """For each key the versions (ce_sequence) in the order in which each was first seen."""
    seen: dict[str, list[int]] = {}
    for record in records:
        versions = seen.setdefault((record.key or b"").decode(), [])
        version = int(dict(record.headers)["ce_sequence"])
        if version not in versions:
            versions.append(version)
    return seen


async def eventually(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until `condition()` holds; it may be a coroutine function. Fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        outcome = condition()
        if asyncio.iscoroutine(outcome):
            outcome = await outcome
        if outcome:
            return
        assert time.monotonic() < deadline, f"not so within {seconds} s: {condition}"
        await asyncio.sleep(0.02)


async def cut_connections(db: Database) -> None:
    """End every connection of the application, as a restart of the database does, and let the pool notice."""
    owner = await asyncpg.connect(db.settings.owner_url)
    try:
        await owner.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    finally:
        await owner.close()
    await asyncio.sleep(0.2)


class HarmfulBus:
    """A real bus behind a producer that now and then fails, as a broker does when it is hurt.

    What fails is the rest of a batch from a random place on; half of those times it was stored nevertheless. `away`
    makes connecting fail.
    """

    def __init__(self, bus: Bus, *, failing: float = 0.0, seed: int = 1) -> None:
        self.bus, self.failing, self.away = bus, failing, False
        self.random = random.Random(seed)
        self.producers: list[HarmfulProducer] = []

    async def ensure_topics(self, topics: Sequence[str]) -> None:
        if self.away:
            raise BusUnavailable("away")
        await self.bus.ensure_topics(topics)

    def producer(self) -> "HarmfulProducer":
        self.producers.append(HarmfulProducer(self))
        return self.producers[-1]

    def subscribe(self, group: str, topics: Sequence[str], *, instance: str) -> Subscription:
        return self.bus.subscribe(group, topics, instance=instance)

    async def close(self) -> None:
        await self.bus.close()


class HarmfulProducer:
    """The producer of a HarmfulBus; using it again after a failure is an error of the relay."""

    def __init__(self, bus: HarmfulBus) -> None:
        self._bus = bus
        self._real: Producer = bus.bus.producer()
        self.failed = self.stopped = False

    async def start(self) -> None:
        await self._real.start()

    async def send_all(self, records: Sequence[Record], timeout: float) -> list[BaseException | None]:
        assert not self.failed, "a producer that failed was used again"
        chance = self._bus.random
        await asyncio.sleep(chance.uniform(0, 0.004))
        if chance.random() >= self._bus.failing:
            return await self._real.send_all(records, timeout)
        self.failed = True
        cut = chance.randrange(len(records))
        stored = records if chance.random() < 0.5 else records[:cut]
        outcomes = await self._real.send_all(stored, timeout) if stored else []
        return [*outcomes[:cut], *(BusUnavailable("injected") for _ in records[cut:])]

    async def stop(self) -> None:
        self.stopped = True
        await self._real.stop()
