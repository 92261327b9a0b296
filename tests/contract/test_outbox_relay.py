"""What the relay promises: at least once, the first occurrence of a key's events in order, whatever happens."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from shared.bus.port import Bus
from shared.outbox import relay as relay_module
from shared.outbox.relay import Relay
from shared.postgres.database import Database
from shared.telemetry import metrics
from tests.contract.events import (
    HarmfulBus,
    append_to,
    cut_connections,
    eventually,
    first_occurrences,
    new_topic,
    read_until,
    registered,
)


@asynccontextmanager
async def running(*relays: Relay) -> AsyncIterator[None]:
    """Relays at work; told to stop, and seen to stop, at the end."""
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    try:
        yield
    finally:
        await asyncio.gather(*(relay.stop() for relay in relays))
        await asyncio.wait_for(asyncio.gather(*tasks), 3)


async def waiting(db: Database) -> int:
    async with db.worker() as tx:
        return int(await tx.fetchval("SELECT count(*) FROM outbox"))


async def published(db: Database, seconds: float = 20) -> None:
    async def empty() -> bool:
        return await waiting(db) == 0

    await eventually(empty, seconds)


def many(keys: int, versions: int) -> list[tuple[UUID, int]]:
    """Versions 1 to `versions` of each of some keys, interleaved."""
    subjects = [uuid4() for _ in range(keys)]
    return [(subject, version) for version in range(1, versions + 1) for subject in subjects]


async def append_many(db: Database, topic: str, wanted: Sequence[tuple[UUID, int]]) -> dict[str, list[int]]:
    """Put them in the outbox; gives what a reader must find."""
    await append_to(db, topic, [registered(subject, version) for subject, version in wanted])
    expected: dict[str, list[int]] = {}
    for subject, version in wanted:
        expected.setdefault(str(subject), []).append(version)
    return expected


async def test_events_are_published_in_order_as_they_were_appended_and_then_gone(bus: Bus, database: Database) -> None:
    topic = new_topic()
    expected = await append_many(database, topic, many(keys=5, versions=4))
    async with database.worker() as tx:
        rows = await tx.fetch("SELECT key, value, headers FROM outbox ORDER BY id")
    async with running(Relay(bus, database, topics=[topic])):
        await published(database)
    records = await read_until(bus, topic, lambda found: len(found) == 20)
    assert first_occurrences(records) == expected
    sent = {(row["key"].encode(), row["value"], tuple((n, v.encode()) for n, v in row["headers"])) for row in rows}
    assert {(record.key, record.value, tuple(record.headers)) for record in records} == sent


async def test_three_relays_without_a_lease_and_a_failing_bus_keep_each_keys_order(
    bus: Bus, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "BATCH", 40)
    monkeypatch.setattr(relay_module, "_BACKOFF", (0.01, 0.05))
    topic = new_topic()
    expected = await append_many(database, topic, many(keys=20, versions=15))
    harmful = [HarmfulBus(bus, failing=0.3, seed=seed) for seed in range(3)]
    relays = [Relay(each, database, topics=[topic], use_lease=False) for each in harmful]
    async with running(*relays):
        await published(database, 40)
    records = await read_until(bus, topic, lambda found: len({place(r) for r in found}) == 300)
    assert first_occurrences(records) == expected
    producers = [producer for each in harmful for producer in each.producers]
    assert any(producer.failed for producer in producers), "no failure was injected"
    assert all(producer.stopped for producer in producers)


async def test_what_was_not_acknowledged_stays_and_is_sent_again_in_order(bus: Bus, database: Database) -> None:
    topic = new_topic()
    expected = await append_many(database, topic, many(keys=3, versions=5))
    harmful = HarmfulBus(bus, failing=1.0)
    async with running(Relay(harmful, database, topics=[topic])):
        await eventually(lambda: len(harmful.producers) > 2)
        assert await waiting(database) > 0
        harmful.failing = 0.0
        await published(database)
    records = await read_until(bus, topic, lambda found: len({place(r) for r in found}) == 15)
    assert first_occurrences(records) == expected


async def test_while_the_bus_is_away_events_wait_and_the_relay_says_so(bus: Bus, database: Database) -> None:
    topic, harmful = new_topic(), HarmfulBus(bus)
    harmful.away = True
    await append_many(database, topic, many(keys=2, versions=2))
    relay = Relay(harmful, database, topics=[topic])
    async with running(relay):
        await eventually(lambda: relay.ready() == ("relay", "away"))
        assert metrics.OUTBOX_ROWS._value.get() == 4
        assert metrics.OUTBOX_OLDEST_SECONDS._value.get() > 0
        harmful.away = False
        await published(database)
        await eventually(lambda: relay.ready() == ("relay", None))


async def test_a_topic_nobody_named_is_made_when_a_record_for_it_comes(bus: Bus, database: Database) -> None:
    named, met = new_topic(), new_topic()
    async with running(Relay(bus, database, topics=[named])):
        await append_many(database, named, many(keys=1, versions=1))
        expected = await append_many(database, met, many(keys=2, versions=2))
        await published(database)
    assert first_occurrences(await read_until(bus, met, lambda found: len(found) == 4)) == expected


async def test_a_commit_wakes_the_relay(bus: Bus, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay_module, "POLL_FLOOR", 60.0)
    topic = new_topic()
    async with running(Relay(bus, database, topics=[topic])):
        await append_many(database, topic, many(keys=1, versions=1))
        await published(database)
        await asyncio.sleep(0.3)  # idle now, for up to a minute
        began = time.monotonic()
        await append_many(database, topic, many(keys=1, versions=1))
        await published(database)
        assert time.monotonic() - began < 1.0


async def test_a_backlog_longer_than_a_batch_is_sent_without_waiting_in_between(
    bus: Bus, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "POLL_FLOOR", 60.0)
    monkeypatch.setattr(relay_module, "BATCH_BYTES", 5 * len(registered(uuid4()).to_value()))
    topic = new_topic()
    await append_many(database, topic, many(keys=10, versions=5))
    database.wakeup.clear()
    async with running(Relay(bus, database, topics=[topic])):
        await published(database, 5)


async def test_one_relay_leads_and_the_next_takes_over_when_it_stops(bus: Bus, database: Database) -> None:
    topic = new_topic()
    first_bus, second_bus = HarmfulBus(bus), HarmfulBus(bus)
    first, second = (Relay(each, database, topics=[topic]) for each in (first_bus, second_bus))
    async with running(second):
        async with running(first):
            await append_many(database, topic, many(keys=3, versions=3))
            await published(database)
        await append_many(database, topic, many(keys=3, versions=3))
        await published(database, 4)  # well before the first one's lease would have run out


async def test_a_lease_that_nobody_renews_runs_out(bus: Bus, database: Database) -> None:
    topic = new_topic()
    async with database.worker() as tx:
        await tx.execute("INSERT INTO lease VALUES ('relay', $1, clock_timestamp() + '1.5 s')", uuid4())
    await append_many(database, topic, many(keys=1, versions=1))
    async with running(Relay(bus, database, topics=[topic])):
        await asyncio.sleep(0.5)
        assert await waiting(database) == 1
        await published(database, 5)


async def test_a_relay_outlives_its_database_connections(bus: Bus, database: Database) -> None:
    topic = new_topic()
    relay = Relay(bus, database, topics=[topic])
    async with running(relay):
        await append_many(database, topic, many(keys=1, versions=1))
        await published(database)
        await cut_connections(database)
        await append_many(database, topic, many(keys=1, versions=1))
        await published(database)


def place(record: object) -> tuple[object, bytes]:
    """What tells the events of a topic apart, whatever was sent twice."""
    return record.key, dict(record.headers)["ce_sequence"]  # type: ignore[attr-defined]
