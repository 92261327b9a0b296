"""What every bus promises of records (shared/bus/port.py), on both adapters."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from shared.bus.embedded import EmbeddedBus
from shared.bus.kafka import KafkaBus
from shared.bus.port import PARTITIONS, Bus, BusUnavailable, Received, Record, TopicPartition
from tests.contract.bus_support import read, records, send, values_by_key
from tests.fixtures.kafka_broker import free_port


async def test_records_of_one_key_arrive_in_the_order_they_were_sent(join, producer, topic, group):
    for start in range(0, 1000, 250):
        await send(producer, records(topic, 20, 50)[start : start + 250])
    found = await read(await join(group), 1000)
    assert values_by_key(found) == {f"key-{key}".encode(): list(range(50)) for key in range(20)}


async def test_a_key_has_one_partition_and_offsets_grow_by_one(join, producer, topic, group):
    await send(producer, records(topic, 50, 20))
    found = await read(await join(group), 1000)
    places: dict[bytes | None, set[int]] = {}
    offsets: dict[int, list[int]] = {}
    for record in found:
        places.setdefault(record.key, set()).add(record.partition)
        offsets.setdefault(record.partition, []).append(record.offset)
    assert all(len(partitions) == 1 for partitions in places.values())
    assert len(offsets) > PARTITIONS / 2
    assert all(of_one == list(range(len(of_one))) for of_one in offsets.values())


async def test_producers_at_the_same_time_keep_each_key_in_order(bus, join, topic, group):
    """Eight producers, each with keys of its own that share partitions with the others'."""

    async def produce(number: int) -> None:
        producer = bus.producer()
        await producer.start()
        for n in range(0, 100, 10):
            batch = [Record(topic, f"{number}".encode(), str(v).encode(), []) for v in range(n, n + 10)]
            await send(producer, [*batch, Record(topic, f"{number}-{n}".encode(), b"0", [])])
        await producer.stop()

    await asyncio.gather(*(produce(number) for number in range(8)))
    found = values_by_key(await read(await join(group), 880))
    assert all(found[str(number).encode()] == list(range(100)) for number in range(8))


async def test_values_up_to_256_kib_and_headers_of_any_bytes_come_back_unchanged(join, producer, topic, group):
    headers = [("ce_id", b"1"), ("ce_id", b"twice"), ("empty", b""), ("nul", b"a\0b"), ("bytes", bytes(range(256)))]
    sent = [
        Record(topic, b"large", b"\xff" * 256 * 1024, headers),
        Record(topic, "schlüssel\0".encode(), b"", [("utf-8", "größe".encode())]),
    ]
    before = time.time() * 1000
    await send(producer, sent)
    found = {record.key: record for record in await read(await join(group), 2)}
    for record in sent:
        got = found[record.key]
        assert (got.topic, got.value, list(got.headers)) == (topic, record.value, list(record.headers))
        assert before - 2000 < got.timestamp_ms < time.time() * 1000 + 2000


async def test_a_poll_gives_at_most_what_was_asked_for_and_the_next_goes_on(join, producer, topic, group):
    await send(producer, records(topic, 30, 10))
    member = await join(group)
    found: list[Received] = []
    while len(found) < 300:
        batch = [record for part in (await member.poll(7, 1)).values() for record in part]
        assert len(batch) <= 7
        found += batch
    assert values_by_key(found) == {f"key-{key}".encode(): list(range(10)) for key in range(30)}


async def test_a_poll_without_records_ends_after_its_time(join, group):
    member = await join(group)
    started = time.monotonic()
    assert await member.poll(10, 0.3) == {}
    assert 0.25 < time.monotonic() - started < 1.5


async def test_a_record_that_comes_during_a_poll_ends_it(join, producer, topic, group):
    member = await join(group)
    await member.poll(10, 0.3)
    waiting = asyncio.create_task(member.poll(10, 5))
    await asyncio.sleep(0.2)
    started = time.monotonic()
    await send(producer, [Record(topic, b"k", b"0", [])])
    assert sum(map(len, (await waiting).values())) == 1
    assert time.monotonic() - started < 0.4


async def test_a_rewound_partition_is_delivered_again_and_the_others_are_not(join, producer, topic, group):
    await send(producer, records(topic, 24, 4))
    member = await join(group)
    found = await read(member, 96)
    partition = found[0].partition
    expected = [r.offset for r in found if r.partition == partition and r.offset >= 1]
    member.rewind(TopicPartition(topic, partition), 1)
    again = await read(member, len(expected))
    assert [(r.partition, r.offset) for r in again] == [(partition, offset) for offset in expected]
    assert await member.poll(10, 0.5) == {}


async def test_rewinding_a_partition_one_does_not_hold_does_nothing(join, group):
    (await join(group)).rewind(TopicPartition("elsewhere", 3), 7)


async def test_lag_counts_what_was_not_delivered(join, producer, topic, group):
    member = await join(group)
    await send(producer, records(topic, 24, 5))
    await read(member, 120)
    assert sum((await member.lag()).values()) == 0
    await send(producer, records(topic, 24, 5))
    deadline = time.monotonic() + 10
    lag = 0
    while not lag:
        assert time.monotonic() < deadline
        delivered = sum(map(len, (await member.poll(20, 1)).values()))
        lag = sum((await member.lag()).values()) if delivered else 0
    await read(member, lag)
    assert await member.poll(10, 0.2) == {}
    assert sum((await member.lag()).values()) == 0


async def test_nothing_expired_in_a_young_topic(join, producer, topic, group):
    await send(producer, records(topic, 24, 1))
    member = await join(group)
    await read(member, 24)
    assert await member.expired() == {}


async def test_topics_can_be_ensured_again_and_keep_their_records(bus, join, producer, topic, group):
    await send(producer, records(topic, 10, 1))
    await bus.ensure_topics([topic, f"{topic}.other"])
    assert len(await read(await join(group), 10)) == 10


async def test_an_unknown_topic_is_a_failed_outcome_in_bounded_time(producer):
    started = time.monotonic()
    outcomes = await producer.send_all([Record(f"nobody-made-{uuid4().hex}", b"k", b"v", [])], 2)
    assert isinstance(outcomes[0], BusUnavailable)
    assert time.monotonic() - started < 4


async def test_sending_nothing_is_no_failure(producer):
    assert await producer.send_all([], 1) == []


@pytest.fixture(params=["kafka", "embedded"])
async def bus_away(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    """A bus at an address where nobody listens."""
    place = f"127.0.0.1:{free_port()}"
    made: Bus = KafkaBus(place) if request.param == "kafka" else EmbeddedBus(f"postgresql://laurel@{place}/laurel_bus")
    yield made
    await made.close()


async def test_a_bus_that_is_away_says_so_at_once_and_stops_all_the_same(bus_away):
    producer, member = bus_away.producer(), bus_away.subscribe("group", ["topic"], instance="one")
    for call in (lambda: bus_away.ensure_topics(["topic"]), producer.start, member.start):
        started = time.monotonic()
        with pytest.raises(BusUnavailable):
            await call()
        assert time.monotonic() - started < 2
    started = time.monotonic()
    await producer.stop()
    await member.stop()
    assert time.monotonic() - started < 2
