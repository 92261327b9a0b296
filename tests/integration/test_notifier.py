"""What platforms get, over real HTTP and on both buses; no issuer runs."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from shared.events.ids import new_id
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform, revoked
from tests.integration.paper_issuer import utc_now

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, bus_kind: str) -> Iterator[LoneNotifier]:
    """The notifier alone, on each bus."""
    with LoneNotifier.on(stacks, bus_kind) as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


async def test_an_event_reaches_the_platform_signed_and_is_on_record(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http, events=["credential.revoked"])
    event = revoked(platform.tenant.id)
    [event_id] = await notifier.publish(event, traceparent=f"00-{TRACE}-b7ad6b7169203331-01")
    [delivery] = await platform.heard(1)

    body = delivery.verified(platform.secret)
    urls = notifier.stack.deployment.urls()
    assert body["type"] == "credential.revoked"
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert body["data"] == {
        "credential_id": str(event.credential_id),
        "institution_id": str(event.institution_id),
        "status": "revoked",
        "links": {
            "credential": f"{urls['registry']}/credentials/{event.credential_id}",
            "verify": f"{urls['verifier']}/v1/verify",
            "institution": f"{urls['registry']}/v1/institutions/{event.institution_id}",
        },
    }
    assert delivery.headers["content-type"] == "application/json"
    assert delivery.headers["user-agent"] == "Laurel-Webhooks/1"
    assert re.fullmatch(rf"00-{TRACE}-[0-9a-f]{{16}}-01", delivery.headers["traceparent"])
    assert re.fullmatch("msg_[a-z2-7]{26}", delivery.message_id)

    message = await platform.message("delivered")
    assert (message["id"], message["event_id"]) == (delivery.message_id, str(event_id))
    assert message["payload"] == json.loads(delivery.body)
    [attempt] = await platform.attempts(message["id"])
    assert (attempt["number"], attempt["trigger"], attempt["status"]) == (1, "scheduled", 200)
    assert (attempt["error"], attempt["answer"]) == (None, "received")


async def test_only_endpoints_that_asked_for_a_type_hear_of_it(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    tenant = notifier.tenant()
    wants = [["credential.revoked"], ["*"], ["credential.issued", "achievement.published"]]
    asked, everything, other = [
        await Platform.join(notifier, receiver, http, events=events, tenant=tenant) for events in wants
    ]
    stranger = await Platform.join(notifier, receiver, http)
    await asked.tell()
    await stranger.tell()
    await stranger.heard(1)
    [first], [second] = await asked.heard(1), await everything.heard(1)

    assert first.message_id == second.message_id, "one message an event and institution"
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    assert await receiver.received(other.name) == []
    assert len(await receiver.received(stranger.name)) == 1


async def test_an_event_that_comes_twice_is_one_message(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    event = revoked(platform.tenant.id)
    [event_id] = await notifier.publish(event)
    await platform.message("delivered")
    await notifier.publish(event, event_id=event_id)
    await platform.tell()
    await platform.heard(2)
    await notifier.execute("DELETE FROM inbox WHERE event_id = $1", event_id)  # as it is after thirty days
    await notifier.publish(event, event_id=event_id)
    await platform.tell()
    await platform.heard(3)

    assert len(await platform.messages()) == 3
    assert len(await receiver.received(platform.name)) == 3


async def test_no_word_of_the_learner_leaves(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    await platform.tell()
    [delivery] = await platform.heard(1)

    assert "Surname" not in delivery.body
    assert "Surname" not in json.dumps(await platform.messages())
    assert len(delivery.body) < 20_000


async def test_a_thousand_events_arrive_once_each(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    told = await platform.tell(1000)
    deliveries = await platform.heard(1000, 60)
    subjects = [json.loads(delivery.body)["data"]["credential_id"] for delivery in deliveries]

    assert sorted(subjects) == sorted(str(credential) for credential in told)
    assert len({delivery.message_id for delivery in deliveries}) == 1000


async def test_messages_are_listed_by_type_endpoint_state_and_time(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    await platform.tell(3)
    await platform.heard(3)
    for _ in range(100):
        if len(await platform.messages(state="delivered")) == 3:
            break
        await asyncio.sleep(0.05)
    everything = await platform.messages()

    assert [m["created_at"] for m in everything] == sorted((m["created_at"] for m in everything), reverse=True)
    assert await platform.messages(type="credential.revoked", endpoint=platform.id, state="delivered") == everything
    assert await platform.messages(since=everything[0]["created_at"]) == everything[:1]
    for nothing in ({"type": "credential.issued"}, {"state": "exhausted"}, {"endpoint": str(new_id())}):
        assert await platform.messages(**nothing) == []
    paged, cursor = [], {}
    while True:
        page = await platform.get("/v1/messages", limit="2", **cursor)
        paged += page["items"]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert paged == everything


async def test_a_delivery_is_not_waited_for_but_sent_when_it_is_committed(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    waits = []
    for number in range(1, 12):
        await platform.tell()
        delivery = (await platform.heard(number))[-1]
        [message] = (await platform.messages())[:1]
        [row] = await notifier.execute("SELECT at FROM inbox WHERE event_id = $1", message["event_id"])
        waits.append(delivery.at - row["at"].timestamp())
    assert sorted(waits)[len(waits) // 2] < 0.1, waits


async def test_what_is_told_again_after_its_message_was_removed_is_no_news(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    forgotten, kept = (revoked(platform.tenant.id) for _ in range(2))
    await notifier.publish(forgotten, at=utc_now() - timedelta(days=91))
    await notifier.publish(kept, at=utc_now() - timedelta(days=89))
    await notifier.publish(revoked(platform.tenant.id, forgotten.credential_id, 3))
    await platform.heard(2)
    assert {message["created_at"][:10] for message in await platform.messages()} == {
        f"{utc_now() - timedelta(days=days):%Y-%m-%d}" for days in (0, 89)
    }
