"""What must hold after every fault, read from the databases, the topics, the APIs and the receiver themselves.

I1 each credential answered with 201 is on the public record once, as answered, and verifies. I2 nothing is on the
record that the issuer lacks. I3 each endpoint got each message, every time under one `webhook-id`. I4 the first
occurrences of a key's events are in version order. I5 nothing waits in an outbox, nothing is parked. I6 every service
is ready again without help.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.cli.deployment import SERVICES
from shared.events.catalogue import ISSUER_TOPIC, REGISTRY_TOPIC
from tests.fixtures.api import Api
from tests.fixtures.receiver import Receiver
from tests.fixtures.stack import Stack

Answered = Mapping[str, Mapping[str, Any]]
BOTH = ("credential.issued", "credential.registered")
COUNTS = {
    "issuer": {"issued": "SELECT count(*) FROM credential"},
    "registry": {
        "recorded": "SELECT count(*) FROM record",
        "not offered": "SELECT count(*) FROM claim_request",
    },
    "notifier": {
        "announced": f"SELECT count(*) FROM message WHERE type IN {BOTH}",
        "not delivered": "SELECT count(*) FROM delivery WHERE state IN ('pending', 'exhausted')",
    },
}
"""What `unsettled` counts in each service's database."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One record of a topic."""

    topic: str
    key: str
    event_id: str
    type: str
    sequence: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A webhook endpoint at the receiver, by its name there."""

    name: str
    secret: str


@asynccontextmanager
async def owned(stack: Stack, service: str) -> AsyncIterator[asyncpg.Connection]:
    """A service's own database, as its owner, whom no row is hidden from."""
    connection = await asyncpg.connect(stack[service].environment["LAUREL_DATABASE_OWNER_URL"], timeout=10)
    try:
        yield connection
    finally:
        await connection.close()


async def rows(stack: Stack, service: str, query: str, *args: Any) -> list[Any]:
    """What a service's own database says."""
    async with owned(stack, service) as database:
        return list(await database.fetch(query, *args))


async def value(stack: Stack, service: str, query: str, *args: Any) -> Any:
    """The first column of the first row."""
    found = await rows(stack, service, query, *args)
    return found[0][0] if found else None


async def end_leases(stack: Stack) -> None:
    """Make the minute pass at once after which a dead dispatcher's deliveries are taken by another."""
    await rows(stack, "notifier", "UPDATE delivery SET next_at = now() WHERE leased_at IS NOT NULL")
    await rows(
        stack,
        "notifier",
        "UPDATE endpoint e SET due_at = now() WHERE EXISTS"
        " (SELECT FROM delivery d WHERE d.endpoint_id = e.id AND d.state = 'pending')",
    )


async def unsettled(stack: Stack, *, parked: bool = False) -> dict[str, Any]:
    """What is still on its way or stuck, by name; empty when all is well. `parked` allows parked events."""
    found: dict[str, Any] = {}
    counted: dict[str, int] = {}
    for service in SERVICES:
        if not await asyncio.to_thread(stack[service].is_ready):
            found[f"{service} readyz"] = "not 200"
        async with owned(stack, service) as database:
            found[f"{service} outbox"] = await database.fetchval("SELECT count(*) FROM outbox")
            if not parked:
                reasons = await database.fetch("SELECT reason, detail FROM parked_event WHERE redriven_at IS NULL")
                found[f"{service} parked"] = [tuple(row) for row in reasons[:3]]
            for name, query in COUNTS.get(service, {}).items():
                counted[name] = await database.fetchval(query)
    found["not recorded"] = counted["issued"] - counted["recorded"]
    found["not announced"] = 2 * counted["issued"] - counted["announced"]
    found |= {name: counted[name] for name in ("not offered", "not delivered")}
    return {name: what for name, what in found.items() if what}


async def settle(stack: Stack, seconds: float, *, parked: bool = False) -> float:
    """I5 and I6: wait until nothing is on its way and all are ready; gives how long that took.

    Every institution must have an endpoint for both events. Raises AssertionError after `seconds`.
    """
    started = time.monotonic()
    while left := await unsettled(stack, parked=parked):
        assert time.monotonic() - started < seconds, f"after {seconds:.0f} s: {left}\n{stack.logs()}"
        await asyncio.sleep(0.2)
    return time.monotonic() - started


async def recorded_once(api: Api, stack: Stack, answered: Answered) -> None:
    """I1 and I2. The issuer has what it answered and no more, since clients repeat what was not answered."""
    issued = {str(row[0]) for row in await rows(stack, "issuer", "SELECT id FROM credential")}
    recorded = [str(row[0]) for row in await rows(stack, "registry", "SELECT credential_id FROM record")]
    assert issued == answered.keys(), f"{len(issued)} issued, {len(answered)} answered"
    assert sorted(recorded) == sorted(issued)
    counted = "(SELECT coalesce(sum(issued), 0) FROM {})"
    total = f"SELECT {counted.format('achievement_count')} + {counted.format('count_change')}"
    assert await value(stack, "registry", total) == len(answered), "an issue was counted twice, or not at all"
    gate = asyncio.Semaphore(16)

    async def check(credential_id: str, document: Mapping[str, Any]) -> None:
        async with gate:
            assert await api.registered(credential_id) == document
            await api.verdict(document, "valid")

    await asyncio.gather(*(check(*item) for item in answered.items()))


async def delivered_to(receiver: Receiver, endpoint: Endpoint, answered: Iterable[str]) -> None:
    """I3, for both events of every credential in `answered`; every signature is checked."""
    messages: dict[tuple[str, str], set[str]] = defaultdict(set)
    for delivery in await receiver.received(endpoint.name):
        delivery.verified(endpoint.secret)
        body = json.loads(delivery.body)
        messages[body["type"], body["data"]["credential_id"]].add(delivery.message_id)
    assert messages.keys() == {(kind, credential) for credential in answered for kind in BOTH}
    assert all(len(ids) == 1 for ids in messages.values()), "one message came under two ids"
    assert len(set.union(set(), *messages.values())) == len(messages), "one id stood for two messages"


async def hear(bootstrap: str, *topics: str) -> list[Heard]:
    """Everything in the topics, each partition from its beginning to its present end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    found: list[Heard] = []
    try:
        await consumer._client.set_topics(topics)
        places = [TopicPartition(topic, n) for topic in topics for n in consumer.partitions_for_topic(topic) or ()]
        ends = await consumer.end_offsets(places)
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        async with asyncio.timeout(30):
            while any([await consumer.position(place) < ends[place] for place in places]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += [_heard(record) for record in batch]
    finally:
        await consumer.stop()
    return found


def _heard(record: Any) -> Heard:
    headers = {name: text.decode() for name, text in record.headers}
    return Heard(record.topic, record.key.decode(), headers["ce_id"], headers["ce_type"], int(headers["ce_sequence"]))


def in_order(heard: Iterable[Heard]) -> None:
    """I4: per key, the first occurrences come as versions 1, 2, 3 … of the issuer, ascending for others."""
    sequences: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for record in heard:
        sequences[record.topic, record.key].setdefault(record.event_id, record.sequence)
    for (topic, key), firsts in sequences.items():
        order = list(firsts.values())
        wanted = list(range(1, len(order) + 1)) if topic == ISSUER_TOPIC else sorted(set(order))
        assert order == wanted, f"{topic} {key}: {order}"


async def announced_once(bootstrap: str, answered: Iterable[str]) -> list[Heard]:
    """I4, and that each credential was issued and registered under one event id each; gives all that was heard."""
    heard = await hear(bootstrap, ISSUER_TOPIC, REGISTRY_TOPIC)
    in_order(heard)
    ids: dict[tuple[str, str], set[str]] = defaultdict(set)
    for record in heard:
        ids[record.type, record.key].add(record.event_id)
    for credential in answered:
        for kind in BOTH:
            assert len(ids[f"org.laurel.{kind}.v1", credential]) == 1, f"{kind} of {credential}"
    return heard


async def hold(
    api: Api, stack: Stack, receiver: Receiver, endpoint: Endpoint, answered: Answered, *, seconds: float
) -> float:
    """All of I1 to I6 for one institution with one endpoint; gives how long it took to settle."""
    took = await settle(stack, seconds)
    await recorded_once(api, stack, answered)
    await delivered_to(receiver, endpoint, answered)
    assert stack.deployment.kafka is not None
    await announced_once(stack.deployment.kafka, answered)
    return took
