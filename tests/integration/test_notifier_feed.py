"""The order in which messages are pulled, on a real database: whatever commits when, nothing is skipped."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.notifier.commands.await_messages import Arrivals
from services.notifier.domain.content import message_id
from services.notifier.store import feed, messages
from services.notifier.store.messages import NewMessage
from shared.events.ids import new_id
from shared.postgres.database import Database, DatabaseSettings
from shared.postgres.migrations import migrate
from tests.fixtures.postgres import SERVICES, Templates
from tests.integration.notifier_queue import INSTITUTION, endpoint, rows, tell


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


def message(institution: UUID = INSTITUTION, kind: str = "credential.revoked") -> NewMessage:
    return NewMessage(message_id(), institution, new_id(), kind, b"{}", None, datetime.now(UTC), None, None, bytes)


async def pulled(db: Database, institution: UUID = INSTITUTION, after: int = 0, *types: str) -> list[str]:
    """Everything beyond a place, page by page."""
    found: list[str] = []
    while True:
        async with db.tenant(institution) as tx:
            page = await feed.stretch(tx, after, types, 7)
        found += [entry.id for entry in page.entries]
        after = page.reached
        if not page.more:
            return found


async def test_what_commits_later_comes_later_although_it_began_earlier(db: Database) -> None:
    """A second writer waits for the first: a position that is taken first is seen first."""
    first, second = message(), message()
    async with db.worker() as tx:
        await messages.fan_out(tx, [first])

        async def overtake() -> None:
            async with db.worker() as other:
                await messages.fan_out(other, [second])

        overtaking = asyncio.create_task(overtake())
        await asyncio.sleep(0.3)
        assert not overtaking.done()
        assert await pulled(db) == []
        async with db.worker() as stranger:
            await messages.fan_out(stranger, [message(uuid4())])  # another institution waits for nobody
    await overtaking
    assert await pulled(db) == [first.id, second.id]


async def test_a_reader_beside_many_writers_misses_and_repeats_nothing(db: Database) -> None:
    await endpoint(db)
    told: list[str] = []
    read: list[str] = []
    writing = True

    async def write() -> None:
        for _ in range(15):
            batch = [message() for _ in range(random.randint(1, 9))]
            async with db.worker() as tx:
                await asyncio.sleep(random.random() * 0.01)
                await messages.fan_out(tx, batch)
                await asyncio.sleep(random.random() * 0.01)
                if undone := random.random() < 0.2:
                    await tx.execute("ROLLBACK; BEGIN")
            told.extend(each.id for each in batch if not undone)

    async def follow() -> None:
        after, over = 0, False
        while not over:
            over = not writing
            async with db.tenant(INSTITUTION) as tx:
                page = await feed.stretch(tx, after, (), 50)
            read.extend(entry.id for entry in page.entries)
            after = page.reached
            over = over and not page.more

    following = asyncio.create_task(follow())
    await asyncio.gather(*(write() for _ in range(6)))
    writing = False
    await following
    assert len(told) > 200
    assert len(read) == len(set(read))
    assert set(read) == set(told)
    assert read == await pulled(db), "the order is the same for everybody at all times"


async def test_a_batch_keeps_its_order_and_an_event_known_before_has_one_place(db: Database) -> None:
    batch = [message() for _ in range(20)]
    for _ in range(2):
        async with db.worker() as tx:
            await messages.fan_out(tx, batch)
    new = await tell(db, 3)
    assert await pulled(db) == [each.id for each in batch] + new
    async with db.tenant(INSTITUTION) as tx:
        assert await feed.last(tx, INSTITUTION) == (await feed.stretch(tx, 0, (), 100)).reached


async def test_a_rare_type_is_found_step_by_step_and_costs_no_more(db: Database) -> None:
    await tell(db, feed.SCAN + 10)
    rare = message(kind="credential.issued")
    async with db.worker() as tx:
        await messages.fan_out(tx, [rare])
    async with db.tenant(INSTITUTION) as tx:
        first = await feed.stretch(tx, 0, ["credential.issued"], 5)
        assert (first.entries, first.more) == ([], True)
        second = await feed.stretch(tx, first.reached, ["credential.issued"], 5)
    assert [entry.id for entry in second.entries] == [rare.id]
    assert not second.more


async def test_the_work_of_a_page_does_not_grow_with_the_feed(db: Database) -> None:
    await tell(db, 3000)
    await tell(db, 3000, uuid4())
    async with db.tenant(INSTITUTION) as tx:
        await feed.stretch(tx, 1500, (), 50)
        read = await tx.fetchval(
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
            " FROM pg_stat_xact_user_tables WHERE relname = 'message'"
        )
    assert read < 150


async def test_what_was_removed_at_the_beginning_is_jumped_over(db: Database) -> None:
    told = await tell(db, 3000)
    async with db.worker() as tx:
        await tx.execute("DELETE FROM message WHERE position <= 2990")
    async with db.tenant(INSTITUTION) as tx:
        found = await feed.stretch(tx, 0, (), 50)
    assert ([entry.id for entry in found.entries], found.more) == (told[2990:], False)


async def test_another_institution_sees_nothing_of_it(db: Database) -> None:
    await tell(db, 3)
    stranger = uuid4()
    assert await pulled(db, stranger) == []
    async with db.tenant(stranger) as tx:
        assert await feed.last(tx, INSTITUTION) == 0


async def test_at_the_end_of_a_feed_one_waits_even_if_its_last_messages_are_gone(db: Database) -> None:
    await tell(db, 3)
    async with db.worker() as tx:
        await tx.execute("DELETE FROM message WHERE position > 1")
    async with db.tenant(INSTITUTION) as tx:
        assert (await feed.stretch(tx, 0, (), 10)).reached == 3


async def test_who_waits_is_woken_and_holds_no_connection(db: Database) -> None:
    arrivals, other = Arrivals(db), uuid4()
    waiting = [asyncio.create_task(arrivals.after(INSTITUTION, 0, 5)) for _ in range(50)]
    elsewhere = asyncio.create_task(arrivals.after(other, 0, 0.5))
    await asyncio.sleep(0.05)
    used = await rows(db, "SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = session_user")
    assert len(used) <= 2
    await arrivals.look()
    assert not any(task.done() for task in waiting)
    await tell(db, 1)
    await arrivals.look()
    assert await asyncio.wait_for(asyncio.gather(*waiting), 1) == [True] * 50
    assert await elsewhere is False
    assert await arrivals.after(INSTITUTION, 1, 0.01) is False


async def test_messages_of_a_release_before_get_their_places(templates: Templates, tmp_path: Path) -> None:
    before = tmp_path / "notifier" / "migrations"
    before.mkdir(parents=True)
    files = sorted((SERVICES / "notifier" / "migrations").glob("*.sql"))
    for file in files:
        if file.name < "0003":
            shutil.copy(file, before)
    async with templates.blank() as name:
        settings = DatabaseSettings(url=templates.server.app_url(name), owner_url=templates.server.owner_url(name))
        await migrate(settings.owner_url, settings.url, [before])
        connection = await asyncpg.connect(settings.owner_url)
        old = [message() for _ in range(5)]
        await connection.executemany(
            "INSERT INTO message (id, institution_id, event_id, type, body, created_at)"
            " VALUES ($1, $2, $3, 'credential.revoked', '', $4)",
            [(each.id, INSTITUTION, each.event_id, each.created_at) for each in old],
        )
        await connection.close()
        await migrate(settings.owner_url, settings.url, [SERVICES / "notifier" / "migrations"])
        async with Database.open(settings) as db:
            new = await tell(db, 2)
            assert await pulled(db) == [each.id for each in old] + new
