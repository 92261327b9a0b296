"""Pulling instead of being called: long polls and server-sent events over real HTTP."""

import asyncio
import contextlib
import random
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest

from services.notifier.domain.content import message_id
from services.notifier.store import messages
from services.notifier.store.messages import NewMessage
from shared.events.ids import new_id
from shared.postgres.database import Database, DatabaseSettings
from tests.fixtures.api import expect
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.event_source import EventSource
from tests.integration.lone_notifier import LoneNotifier, Platform, Tenant, revoked

EACH = 3


@pytest.fixture(scope="module")
def notifier(stacks: Stacks, bus_kind: str) -> Iterator[LoneNotifier]:
    """The notifier alone, on each bus, with few places for streams."""
    with LoneNotifier.on(stacks, bus_kind, LAUREL_STREAMS_EACH=str(EACH), LAUREL_STREAMS="8") as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=60, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
async def db(notifier: LoneNotifier) -> AsyncIterator[Database]:
    """The notifier's own database, for what other replicas would write."""
    urls = notifier.stack.deployment.databases["notifier"]
    async with Database.open(DatabaseSettings(url=urls.app, owner_url=urls.owner)) as database:
        yield database


async def write(db: Database, tenant: Tenant, count: int, kind: str = "credential.revoked") -> list[str]:
    """As another replica's consumer does."""
    body = b'{"type":"%b"}' % kind.encode()
    batch = [
        NewMessage(message_id(), tenant.id, new_id(), kind, body, None, datetime.now(UTC), None, None, bytes)
        for _ in range(count)
    ]
    async with db.worker() as tx:
        await messages.fan_out(tx, batch)
        await asyncio.sleep(random.random() * 0.05)
    return [message.id for message in batch]


async def poll(http: httpx.AsyncClient, tenant: Tenant, **params: Any) -> dict[str, Any]:
    return expect(200, await http.get("/v1/events", params=params, headers=tenant.headers))


async def everything(http: httpx.AsyncClient, tenant: Tenant, **params: Any) -> list[dict[str, Any]]:
    """Page by page until one is empty."""
    found, after = [], {}
    while page := (answer := await poll(http, tenant, **params, **after))["items"]:
        found += page
        after = {"after": answer["next"]}
    return list(found)


async def test_an_institution_without_an_endpoint_gets_the_same_by_pulling(
    notifier: LoneNotifier, http: httpx.AsyncClient
) -> None:
    tenant = notifier.tenant()
    events = [revoked(tenant.id) for _ in range(5)]
    waiting = asyncio.create_task(poll(http, tenant, wait=20))
    await asyncio.sleep(0.2)
    ids = await notifier.publish(*events)
    first = (await waiting)["items"]
    assert first, "the poll ends when something comes"
    while len(found := await everything(http, tenant, limit=2)) < 5:
        await asyncio.sleep(0.05)

    assert found[: len(first)] == first
    assert {each["event_id"] for each in found} == {str(each) for each in ids}
    assert {each["payload"]["data"]["credential_id"] for each in found} == {str(e.credential_id) for e in events}
    listed = expect(200, await http.get("/v1/messages", headers=tenant.headers))["items"]
    assert {each["id"] for each in listed} == {each["id"] for each in found}


async def test_a_poll_goes_on_where_it_was_and_waits_no_longer_than_asked(
    db: Database, notifier: LoneNotifier, http: httpx.AsyncClient
) -> None:
    tenant = notifier.tenant()
    told = await write(db, tenant, 5)
    answer = await http.get("/v1/events", params={"limit": 2}, headers=tenant.headers)
    link = answer.links["next"]["url"]
    rest = expect(200, await http.get(link.replace("limit=2", "limit=9"), headers=tenant.headers))
    assert [each["id"] for each in answer.json()["items"]] == told[:2]
    assert [each["id"] for each in rest["items"]] == told[2:]
    by_item = await poll(http, tenant, after=rest["items"][0]["cursor"])
    assert [each["id"] for each in by_item["items"]] == told[3:]

    started = time.monotonic()
    empty = await poll(http, tenant, after=rest["next"], wait=1)
    assert (empty["items"], empty["next"]) == ([], rest["next"])
    assert 0.9 < time.monotonic() - started < 10
    assert (await poll(http, tenant, after="now"))["items"] == []


async def test_types_narrow_what_comes_and_not_where_one_is(
    db: Database, notifier: LoneNotifier, http: httpx.AsyncClient
) -> None:
    tenant = notifier.tenant()
    await write(db, tenant, 3)
    issued = await write(db, tenant, 1, "credential.issued")
    page = await poll(http, tenant, types=["credential.issued", "key.retired"])
    assert [each["id"] for each in page["items"]] == issued
    later = await write(db, tenant, 2)
    assert [each["id"] for each in (await poll(http, tenant, after=page["next"]))["items"]] == later


async def test_a_stream_that_breaks_and_returns_loses_and_doubles_nothing(
    db: Database, notifier: LoneNotifier, http: httpx.AsyncClient
) -> None:
    tenant, stranger = notifier.tenant(), notifier.tenant()
    told: list[str] = []
    seen: list[tuple[str, str]] = []

    async def writer(owner: Tenant) -> None:
        for _ in range(12):
            written = await write(db, owner, random.randint(1, 8))
            told.extend(written if owner is tenant else [])

    async def reader() -> None:
        last = ""
        while True:
            async with EventSource.connect(http, tenant.headers, last) as source:
                budget = random.randint(1, 25)
                async for identifier, kind, data in source.events():
                    seen.append((identifier, kind))
                    assert orjson.loads(data) == {"type": kind}
                    last, budget = identifier, budget - 1
                    if budget == 0:
                        break

    reading = asyncio.create_task(reader())
    await asyncio.gather(*(writer(each) for each in (tenant, tenant, tenant, tenant, stranger)))
    deadline = time.monotonic() + 20
    while len(seen) < len(told):
        assert time.monotonic() < deadline, f"{len(seen)} of {len(told)}"
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)

    polled = await everything(http, tenant)
    assert [identifier for identifier, _ in seen] == [each["cursor"] for each in polled], "one cursor for both ways"
    assert {each["id"] for each in polled} == set(told)
    assert len(polled) == len(told)


async def test_a_stream_tells_its_place_at_once_and_the_type_with_each_event(
    notifier: LoneNotifier, http: httpx.AsyncClient, db: Database
) -> None:
    tenant = notifier.tenant()
    await write(db, tenant, 3)
    async with EventSource.connect(http, tenant.headers, after="now", types="credential.issued") as source:
        events = source.events()
        coming = asyncio.create_task(anext(events))
        await asyncio.sleep(0.2)
        assert source.retry is not None
        start = source.last_event_id
        assert start
        await write(db, tenant, 1)
        await write(db, tenant, 1, "credential.issued")
        _, kind, _ = await asyncio.wait_for(coming, 5)
    assert kind == "credential.issued"
    missed = await poll(http, tenant, after=start)
    assert [each["type"] for each in missed["items"]] == ["credential.revoked", "credential.issued"]


async def test_what_is_delivered_meanwhile_is_the_same_message(
    notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
) -> None:
    platform = await Platform.join(notifier, receiver, http)
    async with EventSource.connect(http, platform.tenant.headers) as source:
        coming = asyncio.create_task(anext(source.events()))
        await platform.tell()
        [delivery] = await platform.heard(1)
        _, _, data = await asyncio.wait_for(coming, 10)
    assert data == delivery.body
    assert [each["id"] for each in await everything(http, platform.tenant)] == [delivery.message_id]


@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/stream"])
async def test_what_is_no_place_no_type_and_no_token_is_refused(
    db: Database, notifier: LoneNotifier, http: httpx.AsyncClient, path: str
) -> None:
    tenant, stranger = notifier.tenant(), notifier.tenant()
    await write(db, stranger, 1)
    theirs = (await poll(http, stranger))["next"]

    async def refusal(headers: dict[str, str] = tenant.headers, **params: Any) -> tuple[int, str]:
        answer = await http.get(path, params=params, headers=headers)
        return answer.status_code, answer.json()["code"]

    for cursor in ("forged", "", theirs, theirs[:-1], "NOW"):
        assert await refusal(after=cursor) == (400, "invalid-cursor"), cursor
    assert await refusal(types="credential.invented") == (422, "invalid-value")
    assert await refusal(cursor=theirs) == (422, "unknown-parameter")
    assert (await refusal({}))[0] == 401
    assert await refusal(notifier.tenant("endpoints:write").headers) == (403, "insufficient-scope")
    assert (await refusal(notifier.operator))[0] == 403
    if path.endswith("stream"):
        assert await refusal({**tenant.headers, "Last-Event-ID": "forged"}) == (400, "invalid-cursor")
        assert await refusal({**tenant.headers, "Last-Event-ID": theirs}, after="now") == (400, "invalid-cursor")
    else:
        assert await refusal(wait=31) == (422, "out-of-range")
        assert await refusal(wait=-1) == (422, "out-of-range")


async def test_a_client_and_a_process_hold_only_so_many_answers_open(
    notifier: LoneNotifier, http: httpx.AsyncClient
) -> None:
    tenants = [notifier.tenant(client=f"client-{n}") for n in range(4)]
    async with contextlib.AsyncExitStack() as open_streams:
        for _ in range(EACH):
            await open_streams.enter_async_context(EventSource.connect(http, tenants[0].headers))
        refused = await http.get("/v1/events/stream", headers=tenants[0].headers)
        assert (refused.status_code, refused.json()["code"]) == (429, "too-many-streams")
        assert refused.headers["retry-after"]
        waiting = await http.get("/v1/events", params={"wait": 1}, headers=tenants[0].headers)
        assert (waiting.status_code, waiting.json()["code"]) == (429, "too-many-streams")
        expect(200, await http.get("/v1/events", headers=tenants[0].headers))
        for tenant, count in ((tenants[1], 3), (tenants[2], 2)):
            for _ in range(count):
                await open_streams.enter_async_context(EventSource.connect(http, tenant.headers))
        full = await http.get("/v1/events/stream", headers=tenants[3].headers)
        assert (full.status_code, full.json()["code"]) == (503, "unavailable")
    deadline = time.monotonic() + 10
    while (await http.get("/v1/events", params={"wait": 1}, headers=tenants[0].headers)).status_code != 200:
        assert time.monotonic() < deadline, "the places of streams that were closed are not free again"


async def test_a_stream_ends_when_its_token_does(notifier: LoneNotifier, http: httpx.AsyncClient) -> None:
    tenant = notifier.tenant(seconds=-27)  # clocks may differ by 30 s, so it is good for three more
    started = time.monotonic()
    async with EventSource.connect(http, tenant.headers) as source:
        assert [event async for event in source.events()] == []
    assert 1 < time.monotonic() - started < 10
    assert (await http.get("/v1/events/stream", headers=tenant.headers)).status_code == 401


async def test_waiting_costs_no_connection_and_stopping_ends_it_cleanly(
    db: Database, notifier: LoneNotifier, http: httpx.AsyncClient
) -> None:
    tenants = [notifier.tenant(client=f"waiting-{n}") for n in range(2)]
    async with contextlib.AsyncExitStack() as open_streams:
        sources = [
            await open_streams.enter_async_context(EventSource.connect(http, tenant.headers))
            for tenant in tenants
            for _ in range(EACH)
        ]
        reading = [asyncio.create_task(_count(source)) for source in sources]
        polling = asyncio.create_task(poll(http, notifier.tenant(client="poller"), wait=30))
        await asyncio.sleep(1)
        async with db.worker() as tx:
            busy = await tx.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
                " AND pid <> pg_backend_pid()"
            )
        assert busy <= 2
        await write(db, tenants[0], 2)
        await asyncio.sleep(1)
        assert await asyncio.to_thread(notifier.stack["notifier"].stop) == 0
        assert await asyncio.gather(*reading) == [2] * EACH + [0] * EACH, "no answer was cut off"
        assert (await polling)["items"] == []
    await asyncio.to_thread(notifier.stack.start, "notifier")


async def _count(source: EventSource) -> int:
    return len([event async for event in source.events()])
