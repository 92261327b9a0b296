"""Recover, replay and redrive over HTTP, with a platform that was down."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from shared.events.ids import new_id
from tests.fixtures.api import expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform

LONG_AGO = "2026-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, bus_kind: str) -> Iterator[LoneNotifier]:
    """The notifier alone, on each bus; a delivery is given up after four quick tries."""
    with LoneNotifier.on(stacks, bus_kind) as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


async def broken(notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient, count: int = 3) -> Platform:
    """A platform that answers 500 until everything is given up."""
    platform = await Platform.join(notifier, receiver, http, "settable")
    await receiver.answer(platform.name, 500)
    await platform.tell(count)
    deadline = time.monotonic() + 30
    while len(await letters(platform)) < count:
        assert time.monotonic() < deadline
        await notifier.execute("UPDATE endpoint SET open_until = NULL, due_at = now() WHERE state = 'active'")
        await asyncio.sleep(0.1)
    await receiver.answer(platform.name, 200)
    return platform


async def letters(platform: Platform, **params: str) -> list[dict[str, Any]]:
    return list((await platform.get("/v1/dead-letters", **params))["items"])


async def begin(platform: Platform, path: str, **body: Any) -> dict[str, Any]:
    answer = await platform.http.post(path, json=body, headers=platform.tenant.headers)
    task = expect(202, answer)
    assert answer.headers["location"] == f"/v1/tasks/{task['id']}"
    return task


async def ended(platform: Platform, task: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while (now := await platform.get(f"/v1/tasks/{task['id']}"))["state"] == "running":
        assert time.monotonic() < deadline, now
        await asyncio.sleep(0.05)
    return now


async def test_a_platform_that_was_down_gets_all_it_missed_under_the_same_ids(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await broken(notifier, receiver, http)
    lost = await letters(platform, endpoint=platform.id)
    assert {(each["attempts"], each["last_attempt"]["status"]) for each in lost} == {(4, 500)}
    before = len(await receiver.received(platform.name))
    task = await begin(platform, f"/v1/endpoints/{platform.id}/recover", since=LONG_AGO)
    assert (task["kind"], task["endpoint_id"], task["state"]) == ("recover", platform.id, "running")

    again = (await platform.heard(before + 3))[before:]
    assert {each.message_id for each in again} == {each["message_id"] for each in lost}
    for delivery in again:
        delivery.verified(platform.secret)
    done = await ended(platform, task)
    assert (done["state"], done["counted"], done["queued"], done["progress"]) == ("done", 3, 3, 1.0)
    attempts = await platform.attempts(lost[0]["message_id"], 5)
    assert [(each["number"], each["trigger"]) for each in attempts][-1] == (5, "manual")
    assert await letters(platform) == []


async def test_dead_letters_are_redriven_or_dropped(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await broken(notifier, receiver, http)
    headers = platform.tenant.headers
    dropped, *kept = await letters(platform)
    stranger = notifier.tenant()
    path = f"/v1/dead-letters/{dropped['id']}"
    for answer in (
        await http.delete(path, headers=stranger.headers),
        await http.delete("/v1/dead-letters/987654321", headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert (await http.delete(path, headers=headers)).status_code == 204
    assert (await http.delete(path, headers=headers)).status_code == 404
    before = len(await receiver.received(platform.name))
    task = await begin(platform, "/v1/dead-letters/redrive")
    again = (await platform.heard(before + 2))[before:]
    assert {each.message_id for each in again} == {each["message_id"] for each in kept}
    assert (await ended(platform, task))["queued"] == 2
    states = {m["id"]: m["deliveries"][0]["state"] for m in await platform.messages()}
    assert states[dropped["message_id"]] == "cancelled"


async def test_an_endpoint_registered_later_gets_what_was_before_it(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    first = await Platform.join(notifier, receiver, http)
    await first.tell(3)
    sent = await first.heard(3)
    late = await Platform.join(notifier, receiver, http, tenant=first.tenant)
    task = await begin(late, f"/v1/endpoints/{late.id}/replay", since=LONG_AGO)
    heard = await late.heard(3)
    assert sorted(each.message_id for each in heard) == sorted(each.message_id for each in sent)
    heard[0].verified(late.secret)
    assert (await ended(late, task))["queued"] == 3
    assert len(await receiver.received(first.name)) == 3


async def test_a_repeated_request_is_one_task_and_a_second_one_has_to_wait(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    path = f"/v1/endpoints/{platform.id}/recover"
    headers = {**platform.tenant.headers, "Idempotency-Key": "once"}
    busy = await http.post(path, json={"since": LONG_AGO}, headers=platform.tenant.headers)
    while busy.status_code == 202:  # none ran, or the worker was quicker
        busy = await http.post(path, json={"since": LONG_AGO}, headers=platform.tenant.headers)
    assert (busy.status_code, busy.json()["code"]) == (409, "wrong-state")
    while (first := await http.post(path, json={"since": LONG_AGO}, headers=headers)).status_code == 409:
        await asyncio.sleep(0.1)
    again = await http.post(path, json={"since": LONG_AGO}, headers=headers)
    assert expect(202, again) == expect(202, first)
    assert again.headers["idempotent-replay"] == "true"


@pytest.mark.parametrize("verb", ["recover", "replay"])
@pytest.mark.parametrize(
    ("body", "code", "pointer", "detail"),
    [
        ({}, "required", "#/since", "is missing"),
        ({"since": None}, "required", "#/since", "must not be null"),
        ({"since": "yesterday"}, "invalid-date", "#/since", "2030-01-31T00:00:00Z"),
        ({"since": 1774000000}, "invalid-type", "#/since", "RFC 3339"),
        ({"since": "2026-02-30T00:00:00Z"}, "invalid-date", "#/since", "is not a date of the calendar"),
        ({"since": "9999-01-01T00:00:00Z"}, "invalid-date", "#/since", "^lies in the future$"),
        ({"since": "9999-01-01T00:00:00Z", "until": LONG_AGO}, "invalid-date", "#/since", "^lies in the future$"),
        ({"since": LONG_AGO, "until": LONG_AGO}, "invalid-date", "#/until", "^is not later than since$"),
        ({"since": LONG_AGO, "until": "2025-01-01T00:00:00Z"}, "invalid-date", "#/until", "^is not later than since$"),
        ({"since": LONG_AGO, "endpoint": str(new_id())}, "unknown-field", "#/endpoint", "no such field"),
    ],
)
async def test_times_that_can_be_none_are_refused(
    notifier: LoneNotifier,
    http: httpx.AsyncClient,
    verb: str,
    body: dict[str, Any],
    code: str,
    pointer: str,
    detail: str,
) -> None:
    tenant = notifier.tenant()
    answer = await http.post(f"/v1/endpoints/{new_id()}/{verb}", json=body, headers=tenant.headers)
    assert answer.status_code == 422, answer.text
    assert re.search(detail, answer.json()["detail"]), answer.text
    assert (code, pointer) in [(each["code"], each["pointer"]) for each in answer.json()["errors"]]


async def test_anothers_tasks_and_endpoints_do_not_exist(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    task = await begin(platform, f"/v1/endpoints/{platform.id}/recover", since=LONG_AGO)
    stranger = notifier.tenant().headers
    reader = notifier.tenant("endpoints:read").headers
    for answer in (
        await http.get(f"/v1/tasks/{task['id']}", headers=stranger),
        await http.post(f"/v1/endpoints/{platform.id}/recover", json={"since": LONG_AGO}, headers=stranger),
        await http.post(f"/v1/endpoints/{platform.id}/replay", json={"since": LONG_AGO}, headers=stranger),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found"), answer.text
    named = await http.post("/v1/dead-letters/redrive", json={"endpoint": platform.id}, headers=stranger)
    assert named.status_code == 422
    assert [(each["pointer"], each["code"]) for each in named.json()["errors"]] == [("#/endpoint", "unknown-endpoint")]
    refused = await http.post("/v1/dead-letters/redrive", json={}, headers=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "insufficient-scope")
    future = await http.post("/v1/dead-letters/redrive", json={"since": "9999-01-01T00:00:00Z"}, headers=stranger)
    assert (future.status_code, future.json()["errors"][0]["pointer"]) == (422, "#/since")
