"""Platforms that hang, break off, flood, redirect or send us inside; and those that suffer from nobody else's doing."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.fixtures.api import expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform, revoked

TIMEOUT = 2.0
HOSTILE = ["hang", "drip", "status/500", "reset", "throttle/1"]


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, bus_kind: str) -> Iterator[LoneNotifier]:
    """The notifier alone, on each bus, with short waits."""
    with LoneNotifier.on(stacks, bus_kind) as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


async def first_attempt(platform: Platform) -> dict[str, Any]:
    await platform.tell()
    while not (messages := await platform.messages()):
        await asyncio.sleep(0.05)
    return (await platform.attempts(messages[0]["id"]))[0]


@pytest.mark.parametrize(
    ("behaviour", "status", "error"),
    [
        ("hang", None, "timeout"),
        ("drip", None, "timeout"),
        ("reset", None, "connection-failed"),
        ("status/500", 500, None),
        ("status/404", 404, None),
        ("throttle/1", 429, None),
        ("huge", 200, None),
        ("gzip-bomb", 200, None),
    ],
)
async def test_an_attempt_ends_in_time_and_keeps_little(
    notifier: LoneNotifier,
    receiver: Receiver,
    http: httpx.AsyncClient,
    behaviour: str,
    status: int | None,
    error: str | None,
) -> None:
    attempt = await first_attempt(await Platform.join(notifier, receiver, http, behaviour))
    assert (attempt["number"], attempt["status"], attempt["error"]) == (1, status, error)
    assert attempt["duration_ms"] < (TIMEOUT + 1) * 1000
    assert len(attempt["answer"].replace("\\x", "")) <= 2 * 4096, "every byte is two digits at most"


async def test_a_redirect_is_a_failure_and_is_not_followed(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    inside = await Platform.join(notifier, receiver, http)
    platform = Platform(notifier, receiver, notifier.tenant(), http)
    url = f"{receiver.url(platform.name, 'redirect')}?to={receiver.url(inside.name)}"
    body = {"url": url, "events": ["*"]}
    platform.id = expect(201, await http.post("/v1/endpoints", json=body, headers=platform.tenant.headers))["id"]
    attempt = await first_attempt(platform)

    assert (attempt["status"], attempt["error"]) == (302, None)
    assert await receiver.received(inside.name) == []
    assert (await platform.until("active"))["failing_since"] is not None


async def test_gone_switches_the_endpoint_off_and_enabling_sends_what_waited(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http, "settable")
    await receiver.answer(platform.name, 410)
    await platform.tell()
    assert (await platform.until("disabled"))["disabled_reason"] == "gone"
    await platform.tell()
    await asyncio.sleep(1)
    assert len(await receiver.received(platform.name)) == 1
    [event] = await notifier.execute("SELECT type FROM event_history WHERE subject = $1", platform.id)
    assert event["type"] == "org.laurel.endpoint.disabled.v1"

    await receiver.answer(platform.name, 200)
    enabled = await http.post(f"/v1/endpoints/{platform.id}/enable", headers=platform.tenant.headers)
    assert (enabled.json()["state"], enabled.json()["disabled_reason"]) == ("active", None)
    deliveries = await platform.heard(3)
    assert len({delivery.message_id for delivery in deliveries}) == 2


async def test_a_message_is_tried_by_the_schedule_then_given_up_then_resent_by_a_person(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http, "settable")
    await receiver.answer(platform.name, 503)
    await notifier.publish(revoked(platform.tenant.id))
    await platform.heard(3)
    resend = f"/v1/messages/{(await platform.messages())[0]['id']}/resend"
    await http.post(resend, json={}, headers=platform.tenant.headers)  # past the circuit breaker
    message = await platform.message("exhausted")
    attempts = await platform.attempts(message["id"], 4)
    assert [attempt["number"] for attempt in attempts] == [1, 2, 3, 4]
    starts = [datetime.fromisoformat(attempt["at"]).timestamp() for attempt in attempts]
    assert all(later - earlier >= 0.8 * 0.3 for earlier, later in pairwise(starts[:3]))
    [event] = await notifier.execute("SELECT type FROM event_history WHERE subject = $1", platform.id)
    assert event["type"] == "org.laurel.message.exhausted.v1"

    await receiver.answer(platform.name, 200)
    headers = {**platform.tenant.headers, "Idempotency-Key": "resend"}
    for _ in range(2):
        answer = await http.post(resend, json={"endpoint": platform.id}, headers=headers)
        assert (answer.status_code, answer.json()) == (202, {"deliveries": 1})
    await platform.message("delivered")
    last = (await platform.attempts(message["id"], 5))[-1]
    assert (last["number"], last["trigger"], last["status"]) == (5, "manual", 200)
    deliveries = await platform.heard(5)
    assert len({delivery.message_id for delivery in deliveries}) == 1
    assert {delivery.verified(platform.secret)["type"] for delivery in deliveries} == {"credential.revoked"}
    refused = await http.post(resend, json={"endpoint": message["event_id"]}, headers=platform.tenant.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown-endpoint")


async def test_nobody_waits_for_the_hostile(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    tenant = notifier.tenant()
    healthy = await Platform.join(notifier, receiver, http, tenant=tenant)
    await healthy.tell(100)
    alone = await spread(healthy, 100)
    for behaviour in HOSTILE * 5:
        await Platform.join(notifier, receiver, http, behaviour, tenant=tenant)
    await healthy.tell(100)
    among_them = await spread(healthy, 200)
    assert among_them < max(2 * alone, 1.5), (alone, among_them)


async def spread(platform: Platform, count: int) -> float:
    """Seconds until `count` deliveries in all have come."""
    started = time.monotonic()
    await platform.heard(count)
    return time.monotonic() - started
