"""What waits behind an earlier delivery goes as soon as that is out of the way, however it got there."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from services.notifier.commands.begin_task import begin_task
from services.notifier.commands.change_endpoint import change_endpoint
from services.notifier.commands.step_task import step_task
from services.notifier.domain.task import TaskKind
from services.notifier.store import messages
from services.notifier.workers.retention import remove_old
from shared.events.ids import new_id
from shared.postgres.database import Database
from tests.fixtures.api import expect
from tests.fixtures.postgres import Templates
from tests.fixtures.receiver import Receiver
from tests.fixtures.services import Stacks
from tests.integration.lone_notifier import LoneNotifier, Platform, revoked
from tests.integration.notifier_queue import INSTITUTION, SEALER, claim, endpoint, record, result, rows, tell

EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


async def take(db: Database) -> list[str]:
    """What can be sent now; it is received."""
    claimed = await claim(db, start=8)
    if claimed:
        await record(db, *map(result, claimed))
    return [each.message_id for each in claimed]


async def drain(db: Database) -> list[str]:
    """All that can be sent without waiting, in the order in which it is."""
    sent: list[str] = []
    while taken := await take(db):
        sent += taken
    return sent


async def give_up(db: Database, count: int) -> None:
    """Let so many deliveries, one after the other, fail for the last time."""
    for _ in range(count):
        [claimed] = await claim(db, start=8)
        await record(db, result(claimed, 500, "exhausted"))
        async with db.worker() as tx:
            await tx.execute("UPDATE endpoint SET fail_streak = 0, open_until = NULL, due_at = now()")


async def again(db: Database, kind: TaskKind, endpoint_id: UUID) -> None:
    """Put in line anew, as the API and the worker do."""
    async with db.tenant(INSTITUTION) as tx:
        since = EVER if kind == "recover" else None
        until = datetime.now(UTC) + timedelta(minutes=1)
        await begin_task(tx, INSTITUTION, kind, endpoint_id, since=since, until=until, now=until)
    going = True
    while going:
        async with db.worker() as tx:
            going = await step_task(tx) is not None


@pytest.mark.parametrize("kind", ["recover", "redrive"])
async def test_what_was_given_up_is_sent_again_in_order_without_a_wait(db: Database, kind: TaskKind) -> None:
    one = await endpoint(db, ordered=True)
    told = await tell(db, 12, subject="one")
    await give_up(db, 12)
    await again(db, kind, one)
    assert await drain(db) == told


async def test_one_that_comes_back_goes_before_those_that_wait_and_holds_them_no_longer(db: Database) -> None:
    one = await endpoint(db, ordered=True)
    first, second, third = await tell(db, 3, subject="one")
    await give_up(db, 1)
    [flying] = await claim(db, start=8)
    await again(db, "recover", one)
    await record(db, result(flying, 500, wait=0))
    [back] = await claim(db, start=8)
    assert (flying.message_id, back.message_id) == (second, first)
    assert await claim(db, start=8) == [], "the second is due, and held behind the first"
    await record(db, result(back))
    assert await drain(db) == [second, third]


async def test_one_that_is_due_behind_a_resend_goes_after_it(db: Database) -> None:
    await endpoint(db, ordered=True)
    first, second = await tell(db, 2, subject="one")
    assert await take(db) == [first]
    [failed] = await claim(db, start=8)
    async with db.worker() as tx:
        await messages.resend(tx, first, None)
    await record(db, result(failed, 500, wait=0))
    assert await drain(db) == [first, second]


async def test_one_that_waits_for_its_next_try_is_not_let_go_early(db: Database) -> None:
    await endpoint(db, ordered=True)
    first, second, third = await tell(db, 3, subject="one")
    assert await take(db) == [first]
    [failed] = await claim(db, start=8)
    await record(db, result(failed, 500, wait=60))
    async with db.worker() as tx:
        await messages.resend(tx, first, None)
    assert await drain(db) == [first]
    assert {row["message_id"] for row in await rows(db, "SELECT * FROM delivery WHERE state = 'pending'")} == {
        second,
        third,
    }


async def test_what_is_removed_with_its_message_holds_nothing_up(db: Database) -> None:
    await endpoint(db, ordered=True)
    old, *others = await tell(db, 3, subject="one")
    [failed] = await claim(db, start=8)
    await record(db, result(failed, 500, wait=3600))
    async with db.worker() as tx:
        await tx.execute("UPDATE message SET created_at = now() - interval '91 days' WHERE id = $1", old)
    assert await drain(db) == []
    await remove_old(db, datetime.now(UTC), 90)
    assert await drain(db) == others


async def test_who_wants_order_no_more_gets_at_once_what_was_held(db: Database) -> None:
    one = await endpoint(db, ordered=True)
    first, *others = await tell(db, 4, subject="one")
    [failed] = await claim(db, start=8)
    await record(db, result(failed, 500, wait=3600))
    assert await claim(db, start=8) == []
    await _change(db, one, ordered=False)
    assert sorted(await drain(db)) == sorted(others)
    assert await rows(db, "SELECT message_id FROM delivery WHERE state = 'pending'") == [{"message_id": first}]


async def _change(db: Database, endpoint_id: UUID, **changes: object) -> None:
    async with db.tenant(INSTITUTION) as tx:
        await change_endpoint(tx, endpoint_id, changes, expected=None, sealer=SEALER)


async def test_a_crowd_behind_one_delivery_keeps_nobody_else_waiting(db: Database) -> None:
    await endpoint(db, ordered=True)
    crowd = await tell(db, 40, subject="one")
    [other] = await tell(db, subject="other")
    [flying] = await claim(db, start=1)
    assert flying.message_id == crowd[0]
    [claimed] = await claim(db, start=2)
    assert claimed.message_id == other, "one look moves the whole crowd aside"
    await record(db, result(flying), result(claimed))
    assert await drain(db) == crowd[1:]


@pytest.fixture(scope="module")
def notifier(stacks: Stacks) -> Iterator[LoneNotifier]:
    with LoneNotifier.on(stacks, "embedded") as made:
        yield made


@pytest.fixture
async def http(notifier: LoneNotifier) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=notifier.url, timeout=30, trust_env=False, verify=False) as client:
        yield client


class TestAtAPlatform:
    async def test_a_recovery_comes_in_order_within_seconds(
        self, notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
    ) -> None:
        platform = await Platform.join(notifier, receiver, http, "settable", ordered=True)
        await receiver.answer(platform.name, 500)
        credential, count = new_id(), 8
        events = [revoked(platform.tenant.id, credential, version) for version in range(1, count + 1)]
        sent = await notifier.publish(*events)
        await self._given_up(notifier, platform, count)
        await receiver.answer(platform.name, 200)
        before = len(await receiver.received(platform.name))
        started = time.monotonic()
        body = {"since": "2026-01-01T00:00:00Z"}
        path = f"/v1/endpoints/{platform.id}/recover"
        expect(202, await http.post(path, json=body, headers=platform.tenant.headers))
        heard = (await platform.heard(before + count))[before:]
        took = time.monotonic() - started
        named = {message["id"]: message["event_id"] for message in await platform.messages()}
        assert [named[delivery.message_id] for delivery in heard] == [str(event_id) for event_id in sent]
        assert took < 3, f"{took:.1f} s"

    async def test_a_burst_about_one_credential_is_no_slower_than_its_platform(
        self, notifier: LoneNotifier, receiver: Receiver, http: httpx.AsyncClient
    ) -> None:
        platform = await Platform.join(notifier, receiver, http, ordered=True)
        credential, count = new_id(), 40
        started = time.monotonic()
        await notifier.publish(*(revoked(platform.tenant.id, credential, n) for n in range(1, count + 1)))
        [other] = await platform.tell()
        heard = [json.loads(each.body)["data"]["credential_id"] for each in await platform.heard(count + 1)]
        assert time.monotonic() - started < 8
        assert heard.count(str(credential)) == count
        assert heard.index(str(other)) < count, "the other credential did not wait for all of the burst"

    async def _given_up(self, notifier: LoneNotifier, platform: Platform, count: int) -> None:
        deadline = time.monotonic() + 60
        while len((await platform.get("/v1/dead-letters"))["items"]) < count:
            assert time.monotonic() < deadline
            await notifier.execute(
                "UPDATE endpoint SET open_until = NULL, due_at = now() WHERE state = 'active' AND id = $1",
                UUID(platform.id),
            )
            await asyncio.sleep(0.1)
