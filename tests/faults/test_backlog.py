"""One endpoint's backlog of 100,000, and several notifiers on one database, on real Kafka and Postgres."""

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform

BACKLOG = 100_000
FILL = """
WITH made AS (
    INSERT INTO message (id, institution_id, event_id, type, body, created_at)
    SELECT 'msg_' || n, institution_id, gen_random_uuid(), 'credential.revoked', '{}', now()
    FROM endpoint, generate_series(1, $2::int) n WHERE endpoint.id = $1 RETURNING id, institution_id
)
INSERT INTO delivery (institution_id, message_id, endpoint_id) SELECT institution_id, id, $1 FROM made
"""


@pytest.fixture
def notifier(stacks: Stacks) -> Iterator[LoneNotifier]:
    """A notifier of the test's own on Kafka; what it fails is not tried again while a test lasts."""
    with LoneNotifier.on(stacks, "kafka", LAUREL_WEBHOOK_SCHEDULE="3600,3600,3600") as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


async def arrivals(platform: Platform, count: int) -> list[float]:
    """Seconds from the record on the bus to each of `count` arrivals, told one after the other."""
    took, before = [], len(await platform.receiver.received(platform.name))
    for number in range(count):
        started = time.time()
        await platform.tell()
        took.append((await platform.heard(before + number + 1, 30))[-1].at - started)
    return took


@pytest.mark.parametrize("behaviour", ["ok", "hang"])
async def test_a_backlog_of_100_000_costs_the_others_nothing(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient, behaviour: str
) -> None:
    others = await Platform.join(notifier, receiver, http)
    await arrivals(others, 3)
    without = await arrivals(others, 20)
    loaded = await Platform.join(notifier, receiver, http, behaviour)
    await notifier.execute(FILL, loaded.id, BACKLOG)
    await notifier.execute("UPDATE endpoint SET due_at = now() WHERE id = $1", loaded.id)
    await loaded.heard(1)
    beside = await arrivals(others, 20)
    [left] = await notifier.execute(
        "SELECT count(*) AS n FROM delivery WHERE endpoint_id = $1 AND state = 'pending'", loaded.id
    )
    print(
        f"{behaviour}: {statistics.median(without):.3f} s without, {statistics.median(beside):.3f} s beside {left['n']}"
    )
    assert left["n"] > BACKLOG // 10, "the backlog was gone before the others were measured"
    assert statistics.median(beside) < 3 * statistics.median(without) + 0.5
    assert (await others.endpoint())["failing_since"] is None


async def test_three_notifiers_share_the_work_one_is_drained_and_one_is_killed(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    """Nothing is sent twice while they come and go by SIGTERM; after a `kill -9` what is, has one webhook-id."""
    tenant = notifier.tenant()
    platforms = [await Platform.join(notifier, receiver, http, tenant=tenant) for _ in range(4)]
    with notifier.replica(tmp_path, "2") as second, notifier.replica(tmp_path, "3") as third:
        telling = asyncio.create_task(platforms[0].tell(600))
        await platforms[0].heard(50, 60)
        assert await asyncio.to_thread(second.stop) == 0
        second.start()
        await telling
        for platform in platforms:
            found = await platform.heard(600, 60)
            assert Counter(each.message_id for each in found).most_common(1)[0][1] == 1
        assert await held(notifier) == 0, "what was taken by the one that was stopped is recorded"

        await asyncio.to_thread(second.wait_ready)
        telling = asyncio.create_task(platforms[0].tell(600))
        await platforms[0].heard(650, 60)
        third.kill()
        await telling
        await asyncio.sleep(1)
        await notifier.execute("UPDATE delivery SET next_at = now() WHERE leased_at < now() - interval '1 second'")
        await notifier.execute("UPDATE endpoint SET due_at = now()")
        doubled = 0
        for platform in platforms:
            assert len(await messages(platform, 1200)) == 1200
            doubled += len(await receiver.received(platform.name)) - 1200
        assert len(await notifier.execute("SELECT FROM message")) == 1200
    print(f"killed one of three: {doubled} of 4800 came twice, under one webhook-id")


async def held(notifier: LoneNotifier) -> int:
    """Deliveries that somebody has, once everything has settled, or after 10 s."""
    for _ in range(100):
        found = await notifier.execute("SELECT FROM delivery WHERE leased_at IS NOT NULL")
        if not found:
            break
        await asyncio.sleep(0.1)
    return len(found)


async def messages(platform: Platform, count: int, seconds: float = 60) -> set[str]:
    """The ids of what came, once they are that many."""
    deadline = time.monotonic() + seconds
    while True:
        ids = {each.message_id for each in await platform.receiver.received(platform.name)}
        if len(ids) >= count:
            return ids
        assert time.monotonic() < deadline, f"{len(ids)} of {count}"
        await asyncio.sleep(0.2)
