"""What the Kafka bus does while its broker is hurt: nothing is lost, repeated or reordered, and every wait ends."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition as KafkaPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from shared.bus.kafka import KafkaBus
from shared.bus.port import PARTITIONS, BusUnavailable, Producer, Record, TopicPartition
from tests.contract.bus_support import eventually, first_values, polling, read, records, send, values_by_key
from tests.fixtures.kafka_broker import KafkaBroker

TOPIC = "test.hurt"


def new_topic() -> str:
    """A name nobody used on the shared broker."""
    return f"test.{uuid4().hex[:10]}"


@pytest.fixture
async def hurt_bus(own_kafka: KafkaBroker) -> KafkaBus:
    """A bus with TOPIC, on a broker that the test may hurt."""
    bus = KafkaBus(own_kafka.bootstrap)
    await bus.ensure_topics([TOPIC])
    return bus


@pytest.fixture
async def sending(hurt_bus: KafkaBus) -> AsyncIterator[Producer]:
    """A started producer on that bus."""
    producer = hurt_bus.producer()
    await producer.start()
    yield producer
    await producer.stop()


@pytest.fixture
async def no_task_left() -> Callable[[], None]:
    """A check that nothing runs any more but what ran before."""
    before = asyncio.all_tasks()

    def check() -> None:
        left = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task()]
        assert not left, left

    return check


async def admin(address: str, work: Callable[[AIOKafkaAdminClient], Coroutine[Any, Any, Any]]) -> Any:
    client = AIOKafkaAdminClient(bootstrap_servers=address)
    await client.start()
    try:
        return await work(client)
    finally:
        await client.close()


async def timed(work: Coroutine[Any, Any, Any]) -> float:
    started = time.monotonic()
    await work
    return time.monotonic() - started


async def test_topics_have_the_partitions_and_the_retention_of_the_port(kafka, kafka_bus):
    topic = new_topic()
    await kafka_bus.ensure_topics([topic])
    [described] = await admin(kafka.bootstrap, lambda client: client.describe_topics([topic]))
    assert len(described["partitions"]) == PARTITIONS
    resource = ConfigResource(ConfigResourceType.TOPIC, topic)
    [answer] = await admin(kafka.bootstrap, lambda client: client.describe_configs([resource]))
    config = {entry[0]: entry[1] for entry in answer.resources[0][4]}
    assert config["retention.ms"] == "1209600000"
    assert (config["cleanup.policy"], config["max.message.bytes"]) == ("delete", "1048576")


async def test_a_broker_killed_under_load_costs_no_record_no_repetition_and_no_order(own_kafka, hurt_bus, sending):
    """The same producer and the same member go on; offsets and records outlive the broker."""
    member = hurt_bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    batches = [[Record(TOPIC, b"%d" % key, b"%d" % n, []) for key in range(20)] for n in range(60)]

    async def produce() -> None:
        for batch in batches:
            assert await sending.send_all(batch, 60) == [None] * len(batch)
            await asyncio.sleep(0.01)

    producing = asyncio.create_task(produce())
    found = await read(member, 200)
    own_kafka.kill()
    await asyncio.sleep(1)
    await asyncio.to_thread(own_kafka.start)
    async with polling(member) as rest:
        await producing
        await eventually(lambda: len(found) + len(rest) >= 1200, seconds=40)
        assert values_by_key([*found, *rest]) == {b"%d" % key: list(range(60)) for key in range(20)}
    await member.stop()


async def test_a_frozen_broker_costs_no_record_no_repetition_and_no_order(own_kafka, hurt_bus, sending):
    await send(sending, records(TOPIC, 10, 1))
    own_kafka.freeze()
    waiting = asyncio.create_task(sending.send_all([Record(TOPIC, b"key-%d" % key, b"1", []) for key in range(10)], 40))
    await asyncio.sleep(12)  # past the request time-out: the client sends the batches again
    own_kafka.thaw()
    assert await waiting == [None] * 10
    member = hurt_bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    found = await read(member, 20)
    assert values_by_key(found) == {b"key-%d" % key: [0, 1] for key in range(10)}
    assert await member.poll(10, 1) == {}
    await member.stop()


async def test_what_a_stopped_producer_had_not_sent_is_never_sent(own_kafka, hurt_bus, sending, no_task_left):
    """Its caller sends that again with another producer; a late copy would only be a repetition."""
    await send(sending, [Record(TOPIC, b"k", b"0", [])])
    own_kafka.kill()
    outcomes = await sending.send_all([Record(TOPIC, b"k", b"1", [])], 0.5)
    assert isinstance(outcomes[0], BusUnavailable)
    assert await timed(sending.stop()) < 2
    await asyncio.to_thread(own_kafka.start)
    await asyncio.sleep(3)
    member = hurt_bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    assert [record.value for record in await read(member, 1)] == [b"0"]
    assert await member.poll(10, 1) == {}
    await member.stop()


async def test_commit_and_stop_end_while_the_broker_is_dead(own_kafka, hurt_bus, sending, no_task_left):
    await send(sending, records(TOPIC, 24, 1))
    member = hurt_bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    await read(member, 24, commit=False)
    own_kafka.kill()
    started = time.monotonic()
    with pytest.raises(BusUnavailable):
        await member.commit({TopicPartition(TOPIC, 0): 1})
    assert time.monotonic() - started < 6
    assert await timed(member.lag()) < 2
    assert await timed(member.stop()) < 2.1
    assert await timed(sending.stop()) < 2.1
    await asyncio.sleep(0.1)
    no_task_left()


async def test_a_frozen_broker_does_not_hold_up_a_start_for_ever(own_kafka, hurt_bus, no_task_left):
    own_kafka.freeze()
    started = time.monotonic()
    starts = [hurt_bus.producer().start(), hurt_bus.subscribe("group", [TOPIC], instance="one").start()]
    outcomes = await asyncio.gather(*starts, hurt_bus.ensure_topics([TOPIC]), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [BusUnavailable] * 3
    assert time.monotonic() - started < 22
    no_task_left()


async def test_records_dropped_before_they_were_read_are_counted_and_stepped_over(kafka, kafka_bus):
    topic = new_topic()
    await kafka_bus.ensure_topics([topic])
    producer, member = kafka_bus.producer(), kafka_bus.subscribe(f"group-{topic}", [topic], instance="one")
    await producer.start()
    await send(producer, [Record(topic, b"k", b"%d" % n, []) for n in range(100)])
    await producer.stop()
    await member.start()
    [(place, batch)] = (await member.poll(10, 5)).items()
    await member.commit({place: batch[-1].offset + 1})
    await member.stop()
    dropped = {KafkaPartition(topic, place.partition): RecordsToDelete(before_offset=50)}
    await admin(kafka.bootstrap, lambda client: client.delete_records(dropped))
    await member.start()
    assert await member.expired() == {place: 40}
    assert [int(record.value) for record in await read(member, 50)] == list(range(50, 100))
    assert await member.expired() == {}
    await member.stop()


async def test_a_record_over_the_limit_fails_and_a_new_producer_goes_on(kafka_bus):
    topic = new_topic()
    await kafka_bus.ensure_topics([topic])
    producer, another = kafka_bus.producer(), kafka_bus.producer()
    await producer.start()
    await send(producer, [Record(topic, b"k", b"0", [])])
    outcomes = await producer.send_all([Record(topic, b"k", b"x" * 2_000_000, []), Record(topic, b"k", b"1", [])], 5)
    assert None not in outcomes
    await producer.stop()
    await another.start()
    await send(another, [Record(topic, b"k", b"1", [])])
    await another.stop()


async def test_a_broker_that_lost_everything_is_usable_again_and_running_members_follow(own_kafka, hurt_bus, sending):
    """A member may read from the beginning twice: when its position is gone, and when the new broker lets it in."""
    await send(sending, records(TOPIC, 24, 3))
    member = hurt_bus.subscribe("group", [TOPIC], instance="one")
    await member.start()
    await read(member, 72)
    own_kafka.kill()
    own_kafka.wipe()
    await asyncio.to_thread(own_kafka.start)
    async with polling(member) as found:
        await hurt_bus.ensure_topics([TOPIC])
        another = hurt_bus.producer()
        await another.start()
        everything = records(TOPIC, 24, 5)
        # Fewer than before at first: a log that has grown past the old position by then would hide that it is gone.
        for sent, some in ((24, everything[:24]), (120, everything[24:])):
            await send(another, some)
            async with asyncio.timeout(40):
                while len({(record.key, record.value) for record in found}) < sent:
                    await asyncio.sleep(0.02)
        assert first_values(found) == {b"key-%d" % key: list(range(5)) for key in range(24)}
        await another.stop()
    await member.stop()


@pytest.mark.parametrize("pause", [0.0, 3.0])
async def test_a_topic_deleted_and_made_again_is_read_from_its_beginning(kafka, kafka_bus, pause):
    """With more records than before, so that the member's old position lies within the new log."""
    topic = new_topic()
    await kafka_bus.ensure_topics([topic])
    producer, another = kafka_bus.producer(), kafka_bus.producer()
    await producer.start()
    await send(producer, records(topic, 24, 3))
    await producer.stop()
    member = kafka_bus.subscribe(f"group-{topic}", [topic], instance="one")
    await member.start()
    await read(member, 72)
    async with polling(member) as found:
        await admin(kafka.bootstrap, lambda client: client.delete_topics([topic]))
        await asyncio.sleep(pause)
        await kafka_bus.ensure_topics([topic])
        await another.start()
        await send(another, records(topic, 24, 50))
        await eventually(lambda: len(found) >= 1200, seconds=40)
    by_key = values_by_key(found)
    assert all(sorted(set(by_key[b"key-%d" % key])) == list(range(50)) for key in range(24))
    await another.stop()
    await member.stop()
