"""The broker dies, freezes, forgets everything, and carries rubbish; consumers and relays freeze, come and go."""

import asyncio
import contextlib
import json
import random
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from services.cli.ports import free_ports
from shared.events.catalogue import ISSUER_TOPIC, REGISTRY_TOPIC, ClaimOffered
from shared.outbox.relay import LEASE_SECONDS
from tests.faults import invariants
from tests.faults.load import Load
from tests.fixtures.api import Api, expect
from tests.fixtures.kafka_broker import KafkaBroker
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import StartStack
from tests.fixtures.stack import ServiceProcess, Stack
from tests.integration.learners import Learner, known, letters

DEAD_SECONDS = 30
FROZEN_SECONDS = 60
LOOK_SECONDS = 3
"""In which a relay looks for a lease that has run out. It looks each second, and a busy machine may keep it waiting."""
LONGEST_SECONDS = 5
"""Below any time-out towards the broker, above what a busy machine takes for an answer of 30 ms."""


async def test_issuing_goes_on_while_the_broker_is_dead_and_while_it_is_frozen(
    own_kafka: KafkaBroker, start_stack: StartStack, receiver: Receiver
) -> None:
    """F3: every POST is answered 201 at its first try, and all events arrive afterwards."""
    stack = start_stack(kafka=own_kafka.bootstrap)
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        async with load.running(clients=2, pause=0.2):
            await asyncio.sleep(5)
            idle = len(load.seconds)
            own_kafka.kill()
            await asyncio.sleep(DEAD_SECONDS)
            await asyncio.to_thread(own_kafka.start)
        after_death = await invariants.settle(stack, 30)
        async with load.running(clients=2, pause=0.2):
            own_kafka.freeze()
            try:
                await asyncio.sleep(FROZEN_SECONDS)
            finally:
                own_kafka.thaw()
        after_ice = await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=30)
    assert set(load.outcomes) == {"201"}, load.outcomes
    calm, hurt = load.seconds[:idle], load.seconds[idle:]
    print(
        f"F3: {len(load.answered)} issued, "
        f"p99 {quantile(calm, 0.99) * 1000:.0f} → {quantile(hurt, 0.99) * 1000:.0f} ms, "
        f"settled {after_death:.1f} s after the death, {after_ice:.1f} s after the freeze"
    )
    assert quantile(hurt, 0.5) < 2 * quantile(calm, 0.5), "answers wait for the broker"
    assert max(hurt) < LONGEST_SECONDS, "an answer waited for the broker"


def quantile(seconds: list[float], share: float) -> float:
    """What `share` of them did not exceed."""
    return sorted(seconds)[int(len(seconds) * share)]


async def test_a_wiped_broker_and_a_deleted_topic_are_filled_again_by_replay(
    own_kafka: KafkaBroker, start_stack: StartStack, receiver: Receiver
) -> None:
    """F4: the issuer and the registry tell everything once more, under the first ids; nobody acts twice."""
    stack = start_stack(kafka=own_kafka.bootstrap)
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        await load.issue_many(20)
        platform, profile = await api.platform(), uuid4().hex
        await api.endpoint(platform, receiver.url(profile), ["*"])
        async with letters(stack) as post:
            learner = await Learner.of(api, post, next(iter(load.answered)))
        await known(api, platform.id)
        await learner.act("share", platform.slug, 201)
        await receiver.wait(profile, 1)
        await invariants.settle(stack, 20)
        before = await invariants.announced_once(own_kafka.bootstrap, load.answered)
        stack["notifier"].stop()
        await learner.act("unshare", platform.slug)
        await sent(stack, "registry")
        own_kafka.kill()
        own_kafka.wipe()
        await load.issue_many(5)
        await asyncio.to_thread(own_kafka.start)
        stack.start("notifier")
        await replay(api)
        wiped = await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=40)
        again = {record.event_id for record in await invariants.hear(own_kafka.bootstrap, ISSUER_TOPIC, REGISTRY_TOPIC)}
        # A claim's link is told once: whoever misses the letter asks for another.
        retold = {record.event_id for record in before if record.type != ClaimOffered.TYPE}
        assert retold <= again, "a replayed event has another id"
        await delete_topic(own_kafka.bootstrap, ISSUER_TOPIC)
        await load.issue_many(5)
        await replay(api)
        deleted = await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=60)
        for delivery in await receiver.received(load.endpoint.name):
            assert delivery.verified(load.endpoint.secret)
        acts = [json.loads(delivery.body)["type"] for delivery in await receiver.received(profile)]
        assert acts == ["credential.shared", "credential.unshared"], "what the learner did"
        assert len(await receiver.received(load.endpoint.name)) == 2 * len(load.answered), "a replay was announced"
    print(f"F4: settled {wiped:.1f} s after the wiped broker's start, {deleted:.1f} s after the topic was deleted")


async def sent(stack: Stack, service: str) -> None:
    """Wait until the broker has all that a service announced."""
    while await invariants.value(stack, service, "SELECT count(*) FROM outbox"):
        await asyncio.sleep(0.05)


async def replay(api: Api) -> None:
    """What `laurel replay` does, for the two services whose events others live by."""
    for service in ("issuer", "registry"):
        cursor: str | None = None
        while True:
            body = {"cursor": cursor} if cursor else {}
            answer = await api.http.post(f"{api.urls[service]}/v1/replay", json=body, headers=api.operator)
            cursor = expect(200, answer)["next"]
            if cursor is None:
                break


async def delete_topic(bootstrap: str, topic: str) -> None:
    """As an operator's slip would."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([topic])
    finally:
        await admin.close()


@contextlib.contextmanager
def second(stack: Stack, name: str) -> Iterator[ServiceProcess]:
    """Another replica of a service of the stack, started by the test."""
    given = stack[name]
    port = free_ports()[name]
    environment = {**given.environment, "LAUREL_PORT": str(port), "LAUREL_INSTANCE": "2"}
    twin = replace(given, port=port, environment=environment, log=given.log.with_name(f"{name}-2.log"))
    try:
        yield twin
    finally:
        if twin.process is not None and twin.exit_code is None:
            twin.stop()


async def test_another_relay_takes_over_from_a_frozen_one_and_order_holds(
    start_stack: StartStack, receiver: Receiver
) -> None:
    """F9: takeover when the lease has run out, by a look each second; the frozen one wakes with old rows in hand."""
    stack = start_stack()
    with second(stack, "issuer") as twin:
        async with stack.api() as api:
            load = await Load.prepare(api, receiver)
            await load.issue_many(10)
            await asyncio.to_thread(twin.start)
            await asyncio.to_thread(twin.wait_ready)
            frozen = asyncio.create_task(load.issue_many(200, clients=8))
            await asyncio.sleep(0.5)
            stack.kill("issuer", signal.SIGSTOP)
            started, watching = time.monotonic(), asyncio.create_task(takeover(stack))
            try:
                api.urls = {**api.urls, "issuer": twin.url}
                last = await load.issue()
                late = await watching
                await api.registered(last)
                await asyncio.sleep(max(0, 25 - (time.monotonic() - started)))
            finally:
                stack.kill("issuer", signal.SIGCONT)
            await frozen
            await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=20)
    print(f"F9: takeover {late:.1f} s after the lease's end")
    assert 0 <= late < LOOK_SECONDS


async def takeover(stack: Stack) -> float:
    """Seconds, by the database's clock, from the end of the issuer's relay's lease until another has it."""
    [(first, ended)] = await invariants.rows(stack, "issuer", "SELECT holder, until FROM lease")
    async with asyncio.timeout(20):
        while True:
            [(holder, until)] = await invariants.rows(stack, "issuer", "SELECT holder, until FROM lease")
            if holder != first:
                return (until - ended).total_seconds() - LEASE_SECONDS
            await asyncio.sleep(0.1)


async def test_a_consumer_frozen_past_its_session_handles_nothing_twice(
    start_stack: StartStack, receiver: Receiver
) -> None:
    """F10: the other replica has its partitions meanwhile; what it wakes up with is known there already."""
    stack = start_stack()
    with second(stack, "registry") as twin:
        twin.start()
        twin.wait_ready()
        async with stack.api() as api:
            load = await Load.prepare(api, receiver)
            await shared_by(stack, "registry", 2)
            async with load.running(clients=2, pause=0.05):
                await asyncio.sleep(1)
                stack.kill("registry", signal.SIGSTOP)
                try:
                    api.urls = {**api.urls, "registry": twin.url}
                    await asyncio.sleep(13)
                    made = await load.issue()
                    await api.registered(made, seconds=5)
                finally:
                    stack.kill("registry", signal.SIGCONT)
                await asyncio.sleep(2)
            await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=20)


async def shared_by(stack: Stack, group: str, members: int) -> None:
    """Wait until the group has settled on so many members. Raises TimeoutError after 20 s."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.deployment.kafka)
    await admin.start()
    try:
        async with asyncio.timeout(20):
            while True:
                [[found]] = [answer.groups for answer in await admin.describe_consumer_groups([group])]
                _error, _group, state, *_protocol, now = found[:6]
                if state == "Stable" and len(now) == members:
                    return
                await asyncio.sleep(0.2)
    finally:
        await admin.close()


async def test_a_rebalance_storm_costs_time_alone(start_stack: StartStack, receiver: Receiver) -> None:
    """F11: a second registry joins and is killed or leaves, again and again, for half a minute."""
    stack = start_stack()
    chance = random.Random(11)
    with second(stack, "registry") as twin:
        async with stack.api() as api:
            load = await Load.prepare(api, receiver)
            async with load.running(clients=2, pause=0.05):
                end = time.monotonic() + 30
                while time.monotonic() < end:
                    twin.start()
                    await asyncio.sleep(chance.uniform(1.5, 3))
                    if chance.random() < 0.3:
                        twin.kill()
                    else:
                        await asyncio.to_thread(twin.stop)
                    await asyncio.sleep(chance.uniform(0, 1))
            await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=25)


async def test_events_delivered_twice_and_shuffled_across_keys_take_effect_once(
    start_stack: StartStack, receiver: Receiver
) -> None:
    """F12: the topics' records are produced once more, keys in another order."""
    stack = start_stack()
    assert stack.deployment.kafka is not None
    async with stack.api() as api:
        load = await Load.prepare(api, receiver)
        await load.issue_many(60)
        await invariants.settle(stack, 20)
        records = await raw_records(stack.deployment.kafka, ISSUER_TOPIC, REGISTRY_TOPIC)
        keys = sorted({record.key for record in records})
        random.Random(12).shuffle(keys)
        async with producer(stack.deployment.kafka) as client:
            for record in sorted(records, key=lambda record: keys.index(record.key)):
                for _ in range(2):
                    headers = list(record.headers)
                    await client.send(record.topic, record.value, key=record.key, headers=headers)
        last = await load.issue()
        await api.registered(last)
        await asyncio.sleep(1)
        await invariants.hold(api, stack, receiver, load.endpoint, load.answered, seconds=20)
        assert len(await receiver.received(load.endpoint.name)) == 2 * len(load.answered), "a duplicate was announced"


async def raw_records(bootstrap: str, *topics: str) -> list[Any]:
    """The records as the consumer library gives them, each partition in order."""
    consumer = AIOKafkaConsumer(*topics, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found: list[Any] = []
        while batches := await consumer.getmany(timeout_ms=2000):
            found += [record for batch in batches.values() for record in batch]
        return found
    finally:
        await consumer.stop()


@contextlib.asynccontextmanager
async def producer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """A foreign producer; all it was given has been sent at the end."""
    client = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=1_048_576)
    await client.start()
    try:
        yield client
        await client.flush()
    finally:
        await client.stop()
