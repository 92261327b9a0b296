"""The notifier as a process: killed, stopped, doubled, and started with what it cannot use."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.fixtures.stack import StackFailure
from tests.integration.lone_notifier import LoneNotifier, Platform


@pytest.fixture
def notifier(stacks: Stacks, bus_kind: str) -> Iterator[LoneNotifier]:
    """A notifier of the test's own, on each bus."""
    with LoneNotifier.on(stacks, bus_kind) as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


async def restart(notifier: LoneNotifier) -> None:
    await asyncio.to_thread(notifier.stack.start, "notifier")


async def test_killed_between_post_and_record_it_sends_again_under_the_same_id(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http, "hang")
    await platform.tell()
    [first] = await platform.heard(1)
    notifier.stack.kill("notifier")
    await notifier.execute("UPDATE delivery SET next_at = now()")  # the lease has run out
    await notifier.execute("UPDATE endpoint SET due_at = now()")
    await restart(notifier)

    _, second = await platform.heard(2)
    assert second.message_id == first.message_id
    assert second.body == first.body
    attempts = await platform.attempts(first.message_id, 2)
    assert [(each["number"], each["error"]) for each in attempts[:2]] == [(1, "interrupted"), (2, "timeout")]


async def test_stopped_under_load_it_records_what_was_in_flight_and_goes_on_later(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    await platform.tell(1500)
    await platform.heard(50)
    assert await asyncio.to_thread(notifier.stack["notifier"].stop) == 0
    in_flight = await notifier.execute("SELECT FROM delivery WHERE leased_at IS NOT NULL")
    assert len(in_flight) == 0
    await restart(notifier)

    deliveries = await platform.heard(1500, 60)
    assert len({delivery.message_id for delivery in deliveries}) == 1500
    assert len(deliveries) == 1500, "nothing was sent twice"


async def test_stopped_it_waits_for_answers_and_gives_up_what_does_not_come_at_once(
    stacks: Stacks, receiver: Receiver
) -> None:
    patient = {"LAUREL_WEBHOOK_TIMEOUT": "30"}
    with LoneNotifier.on(stacks, "kafka", **patient) as notifier:
        async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as http:
            slow = await Platform.join(notifier, receiver, http, "slow/2.5")
            hanging = await Platform.join(notifier, receiver, http, "hang")
            for platform in (slow, hanging):
                await platform.tell()
                await platform.heard(1)
            assert await asyncio.to_thread(notifier.stack["notifier"].stop) == 0
            await restart(notifier)

            first, second = await hanging.heard(2, 10)
            assert first.message_id == second.message_id
            message = await slow.message("delivered")
            assert [attempt["number"] for attempt in await slow.attempts(message["id"])] == [1]
            assert len(await receiver.received(slow.name)) == 1
            interrupted = (await hanging.attempts(first.message_id))[0]
            assert (interrupted["number"], interrupted["error"]) == (1, "interrupted")


async def test_two_share_the_work_and_one_takes_over(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    tenant = notifier.tenant()
    platforms = [await Platform.join(notifier, receiver, http, tenant=tenant) for _ in range(5)]
    with notifier.replica(tmp_path) as second:
        await platforms[0].tell(300)
        for platform in platforms:
            deliveries = await platform.heard(300, 60)
            assert len({delivery.message_id for delivery in deliveries}) == len(deliveries) == 300
        second.kill()
        await notifier.execute("UPDATE delivery SET next_at = now() WHERE state = 'pending'")
        await notifier.execute("UPDATE endpoint SET due_at = now()")
        await platforms[0].tell(100)
        for platform in platforms:
            assert len({delivery.message_id for delivery in await platform.heard(400, 60)}) == 400


async def test_an_endpoint_allowed_before_and_forbidden_now_is_not_reached(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    service = notifier.stack["notifier"]
    await asyncio.to_thread(service.stop)
    service.environment = {**service.environment, "LAUREL_WEBHOOK_ALLOW_NETWORKS": ""}
    await restart(notifier)
    await platform.tell()
    while not (messages := await platform.messages()):
        await asyncio.sleep(0.05)
    [attempt, *_] = await platform.attempts(messages[0]["id"])

    assert (attempt["status"], attempt["error"]) == (None, "blocked-address")
    assert await receiver.received(platform.name) == []


async def test_a_secret_that_cannot_be_read_stops_nobody_else(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    unreadable = await Platform.join(notifier, receiver, http)
    service = notifier.stack["notifier"]
    await asyncio.to_thread(service.stop)
    kek = "other:" + base64.b64encode(b"o" * 32).decode()
    service.environment = {**service.environment, "LAUREL_KEK": kek}
    await restart(notifier)
    readable = await Platform.join(notifier, receiver, http, tenant=unreadable.tenant)
    await readable.tell()
    [delivery] = await readable.heard(1)
    delivery.verified(readable.secret)
    for _ in range(100):
        attempts = {each["endpoint_id"]: each["error"] for each in await readable.attempts(delivery.message_id)}
        if unreadable.id in attempts:
            break
        await asyncio.sleep(0.05)

    assert attempts[unreadable.id] == "no-signing-key"
    assert await receiver.received(unreadable.name) == []


async def test_a_setting_that_cannot_be_used_stops_the_start_with_its_name(stacks: Stacks) -> None:
    with stacks.open("embedded", env={"LAUREL_WEBHOOK_SCHEDULE": "soon"}, start=False) as stack:
        service = stack["notifier"]
        service.start()
        with contextlib.suppress(StackFailure):
            service.wait_ready(15)
    assert service.exit_code == 1
    assert "LAUREL_WEBHOOK_SCHEDULE" in service.tail()
    assert "Traceback" not in service.tail()
