"""How endpoints fare, over HTTP: attempts, statistics, and what is said about an endpoint at the others."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.events.ids import new_id
from tests.fixtures.api import expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, bus_kind: str) -> Iterator[LoneNotifier]:
    """The notifier alone, on each bus."""
    with LoneNotifier.on(stacks, bus_kind, LAUREL_WEBHOOK_SCHEDULE="0.3,0.3,3600") as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


async def stats(platform: Platform, attempts: int) -> dict[str, Any]:
    """The endpoint's statistics, once they count that many attempts."""
    for _ in range(400):
        found = await platform.get(f"/v1/endpoints/{platform.id}/stats")
        if found["attempts"] >= attempts:
            break
        await asyncio.sleep(0.05)
    assert found["attempts"] == attempts, found
    return found


async def test_attempts_are_searched_over_all_messages(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    good = await Platform.join(notifier, receiver, http)
    bad = await Platform.join(notifier, receiver, http, "status/503", tenant=good.tenant)
    await good.tell(2)
    await good.heard(2)
    await bad.heard(2)
    while len(found := (await good.get("/v1/attempts", limit="200"))["items"]) < 4:
        await asyncio.sleep(0.05)

    assert [each["at"] for each in found] == sorted((each["at"] for each in found), reverse=True)
    mine = (await good.get("/v1/attempts", endpoint=good.id, outcome="delivered"))["items"]
    assert len(mine) == 2
    [one] = (await good.get("/v1/attempts", endpoint=good.id, message=mine[0]["message_id"]))["items"]
    assert one == mine[0]
    assert (one["status"], one["answer"], one["number"]) == (200, "received", 1)
    refused = (await good.get("/v1/attempts", status="503", limit="200"))["items"]
    assert {each["endpoint_id"] for each in refused} == {bad.id}
    assert (await good.get("/v1/attempts", error="timeout"))["items"] == []
    first = await http.get("/v1/attempts", params={"status": 503, "limit": 1}, headers=good.tenant.headers)
    following = await http.get(first.links["next"]["url"], headers=good.tenant.headers)
    assert [first.json()["items"][0], expect(200, following)["items"][0]] == refused[:2]
    stranger = await http.get("/v1/attempts", params={"endpoint": good.id}, headers=notifier.tenant().headers)
    assert expect(200, stranger)["items"] == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"endpoint": "all"}, "invalid-id"),
        ({"status": "ok"}, "invalid-type"),
        ({"status": "99"}, "out-of-range"),
        ({"error": "Timeout!"}, "invalid-value"),
        ({"outcome": "lost"}, "invalid-value"),
        ({"message": "msg_1"}, "invalid-value"),
        ({"since": "today"}, "invalid-date"),
        ({"until": "2026-02-30T00:00:00Z"}, "invalid-date"),
    ],
)
async def test_a_search_that_makes_no_sense_is_refused(
    notifier: LoneNotifier, http: httpx.AsyncClient, query: dict[str, str], code: str
) -> None:
    answer = await http.get("/v1/attempts", params=query, headers=notifier.tenant().headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0] | {"code": code, "parameter": next(iter(query))} == answer.json()["errors"][0]


async def test_an_endpoint_has_statistics(notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient) -> None:
    platform = await Platform.join(notifier, receiver, http, "settable")
    empty = await platform.get(f"/v1/endpoints/{platform.id}/stats")
    assert (empty["attempts"], empty["success_rate"], empty["hours"]) == (0, None, [])
    assert empty["latency_ms"] == {"p50": None, "p95": None, "p99": None}
    assert empty["backlog"] == {"pending": 0, "oldest_at": None, "oldest_seconds": None}
    await platform.tell(1)
    await stats(platform, 1)
    await receiver.answer(platform.name, 500)
    await platform.tell(1)
    found = await stats(platform, 4)

    assert found["outcomes"] == {"delivered": 1, "refused": 3}
    assert found["success_rate"] == 0.25
    assert 0 < found["latency_ms"]["p50"] <= found["latency_ms"]["p95"] <= found["latency_ms"]["p99"] < 5000
    assert found["backlog"]["pending"] == 1
    assert found["backlog"]["oldest_seconds"] > 0
    assert (found["breaker"]["state"], found["breaker"]["fail_streak"]) in {("open", 3), ("probing", 3)}
    assert found["breaker"]["failing_since"] is not None
    assert sum(hour["delivered"] for hour in found["hours"]) == 1
    assert sum(hour["failed"] for hour in found["hours"]) == 3

    path = f"/v1/endpoints/{platform.id}/stats"
    for unknown in (
        await http.get(path, headers=notifier.tenant().headers),
        await http.get(f"/v1/endpoints/{new_id()}/stats", headers=platform.tenant.headers),
    ):
        assert (unknown.status_code, unknown.json()["code"]) == (404, "not-found")
    now = datetime.now(UTC)
    assert (await platform.get(path, since=(now + timedelta(hours=2)).isoformat()))["attempts"] == 0
    ever = await platform.get(path, since="0001-01-01T00:00:00Z")
    assert ever["attempts"] == 4
    assert now - datetime.fromisoformat(ever["since"]) < timedelta(days=93), "it costs no more than three months"


async def test_what_befalls_an_endpoint_is_told_at_the_others_that_asked(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    told = ["endpoint.failing", "endpoint.disabled"]
    failing = await Platform.join(notifier, receiver, http, "settable", events=[*told, "credential.revoked"])
    listening = await Platform.join(notifier, receiver, http, events=told, tenant=failing.tenant)
    hearing_all = await Platform.join(notifier, receiver, http, tenant=failing.tenant)
    stranger = await Platform.join(notifier, receiver, http, events=told)
    await receiver.answer(failing.name, 500)

    async def fail_since(days: int) -> None:
        await notifier.execute(
            "UPDATE endpoint SET fail_streak = 10, failing_since = now() - make_interval(days => $2), due_at = now(),"
            " open_until = NULL WHERE id = $1",
            failing.id,
            days,
        )
        await notifier.execute("UPDATE delivery SET next_at = now() WHERE endpoint_id = $1", failing.id)

    await fail_since(1)
    await failing.tell(1)
    [warning] = await listening.heard(1)
    body = warning.verified(listening.secret)
    assert body["type"] == "endpoint.failing"
    assert body["data"]["endpoint_id"] == failing.id
    assert body["data"]["attempts"] == 11
    since, after = (datetime.fromisoformat(body["data"][name]) for name in ("failing_since", "disabled_after"))
    assert after - since == timedelta(days=5)
    assert body["data"]["disabled_after"].endswith("Z")

    await fail_since(5)
    _, disabled = await listening.heard(2)
    assert (
        disabled.verified(listening.secret)["data"] | {"reason": "failing", "status": "disabled"}
        == (disabled.verified(listening.secret)["data"])
    )
    assert (await failing.endpoint())["state"] == "disabled"
    await hearing_all.heard(1)
    types = [json.loads(each.body)["type"] for each in await receiver.received(hearing_all.name)]
    assert types == ["credential.revoked"], "all events, but those about other endpoints"
    assert {json.loads(each.body)["type"] for each in await receiver.received(failing.name)} == {"credential.revoked"}
    assert await receiver.received(stranger.name) == []
    pulled = (await failing.get("/v1/events", types="endpoint.failing"))["items"]
    assert [each["id"] for each in pulled] == [warning.message_id]
