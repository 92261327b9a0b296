"""Ten thousand deliveries to receivers that fail, by a notifier that is killed: everybody hears of everything."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence

import httpx
import pytest

from tests.fixtures.api import expect
from tests.fixtures.receiver import Delivery, Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform

PLATFORMS, EVENTS, KILLS = 100, 100, 5
FAILING = 30  # per cent, at random
LEASES_RUN_OUT = "UPDATE delivery SET next_at = now() WHERE leased_at IS NOT NULL", "UPDATE endpoint SET due_at = now()"
# A receiver that failed thrice running, which some do by chance, would be left alone for five seconds to five minutes.
PAUSES_END = "UPDATE endpoint SET open_until = NULL, due_at = now() WHERE open_until > now()"


@pytest.fixture
def notifier(stacks: Stacks) -> Iterator[LoneNotifier]:
    """A notifier on Kafka that gives a delivery up after its fourth try."""
    with LoneNotifier.on(stacks, "kafka", LAUREL_WEBHOOK_SCHEDULE="0.3,0.3,0.3") as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


async def test_ten_thousand_deliveries_survive_five_kills_and_failing_receivers(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    tenant, started = notifier.tenant(), time.monotonic()
    platforms = [
        await Platform.join(notifier, receiver, http, f"flaky/{FAILING}", tenant=tenant) for _ in range(PLATFORMS)
    ]
    told = 0
    for kill in range(KILLS):
        told += len(await platforms[0].tell(EVENTS // KILLS))
        await until_sent(receiver, platforms, (kill + 0.5) * PLATFORMS * EVENTS / KILLS)
        notifier.stack.kill("notifier")
        for statement in LEASES_RUN_OUT:  # a minute passes
            await notifier.execute(statement)
        await asyncio.to_thread(notifier.stack.start, "notifier")
    assert told == EVENTS
    given_up = 0
    while lost := await settled(notifier):
        given_up += lost
        task = expect(202, await http.post("/v1/dead-letters/redrive", json={}, headers=tenant.headers))
        while (await platforms[0].get(f"/v1/tasks/{task['id']}"))["state"] == "running":
            await asyncio.sleep(0.1)

    ids = {row["id"] for row in await notifier.execute("SELECT id FROM message")}
    assert len(ids) == EVENTS
    heard = [await receiver.received(platform.name) for platform in platforms]
    for platform, deliveries in zip(platforms, heard, strict=True):
        assert accepted(deliveries).keys() == ids, f"{platform.name} has not heard of everything"
        deliveries[-1].verified(platform.secret)
    requests = sum(len(deliveries) for deliveries in heard)
    doubled = sum(sum(accepted(deliveries).values()) - EVENTS for deliveries in heard)
    interrupted = await notifier.execute("SELECT FROM attempt WHERE error = 'interrupted'")
    print(f"{PLATFORMS * EVENTS:,} deliveries, {KILLS} kills, {FAILING} % failing: {requests:,} requests,")
    print(f"{given_up} given up and recovered, {len(interrupted)} interrupted, {doubled} received twice,")
    print(f"{time.monotonic() - started:.0f} s")
    assert doubled <= len(interrupted)


async def until_sent(receiver: Receiver, platforms: Sequence[Platform], requests: float) -> None:
    """Return once that many requests have come in all."""
    deadline = time.monotonic() + 120
    while (sent := sum([len(await receiver.received(platform.name)) for platform in platforms[:5]]) * 20) < requests:
        assert time.monotonic() < deadline, f"about {sent} of {requests:.0f} after 120 s"
        await asyncio.sleep(0.05)


async def settled(notifier: LoneNotifier) -> int:
    """How many were given up, once nothing waits any more."""
    deadline = time.monotonic() + 180
    while True:
        rows = await notifier.execute("SELECT state, count(*) AS n FROM delivery GROUP BY state")
        states = {row["state"]: row["n"] for row in rows}
        if not states.get("pending") and sum(states.values()) == PLATFORMS * EVENTS:
            return int(states.get("exhausted", 0))
        assert time.monotonic() < deadline, states
        await asyncio.sleep(0.2)


def accepted(deliveries: Sequence[Delivery]) -> Counter[str]:
    """How often each message was answered with 200."""
    return Counter(delivery.message_id for delivery in deliveries if delivery.status == 200)
