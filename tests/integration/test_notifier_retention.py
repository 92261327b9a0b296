"""What is old is removed, with all that came of it, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from services.notifier.store import feed, retention
from services.notifier.workers.retention import remove_old
from shared.postgres.database import Database
from tests.fixtures.postgres import Templates
from tests.integration.notifier_queue import INSTITUTION, claim, endpoint, record, result, rows, tell


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


async def age(db: Database, *message_ids: str, days: float) -> None:
    async with db.worker() as tx:
        await tx.execute(
            "UPDATE message SET created_at = now() - make_interval(secs => $2 * 86400) WHERE id = ANY($1)",
            list(message_ids),
            days,
        )


async def count(db: Database, table: str) -> int:
    return len(await rows(db, f"SELECT FROM {table}"))


async def test_messages_go_with_their_deliveries_and_attempts_when_their_time_is_over(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 4)
    await endpoint(db)
    told = await tell(db, 20)
    for _ in range(3):
        claimed = await claim(db, start=8)
        await record(db, *[result(each, 200 if each.id % 2 else 500) for each in claimed])
    before = await count(db, "attempt")
    old, young = told[:13], told[13:]
    await age(db, *old, days=90.1)
    await age(db, *young, days=89.9)
    await asyncio.gather(*(remove_old(db, datetime.now(UTC), 90) for _ in range(3)))

    assert [row["id"] for row in await rows(db, "SELECT id FROM message ORDER BY position")] == young
    assert await count(db, "delivery") == 7
    assert 0 < await count(db, "attempt") < before
    async with db.tenant(INSTITUTION) as tx:
        page = await feed.stretch(tx, 0, (), 50)
    assert [entry.id for entry in page.entries] == young, "who pulls goes on with what is kept"


async def test_what_a_dispatcher_has_is_left_until_it_is_recorded(db: Database) -> None:
    await endpoint(db)
    told = await tell(db, 2)
    await age(db, *told, days=100)
    [flying] = await claim(db, slots=1)
    await remove_old(db, datetime.now(UTC), 90)
    assert [row["id"] for row in await rows(db, "SELECT id FROM message")] == [flying.message_id]
    await record(db, result(flying, 500))
    await remove_old(db, datetime.now(UTC), 90)
    assert await count(db, "message") == await count(db, "delivery") == await count(db, "attempt") == 0


async def test_counts_and_ended_tasks_go_too(db: Database) -> None:
    one = await endpoint(db)
    now = datetime.now(UTC)
    async with db.worker() as tx:
        for days in (89, 91):
            at = now - timedelta(days=days)
            await tx.execute("INSERT INTO endpoint_hour VALUES ($1, $2, $3, 'delivered', 1, 1)", INSTITUTION, one, at)
            for state in ("running", "done"):
                await tx.execute(
                    "INSERT INTO task (id, institution_id, endpoint_id, kind, until, created_at, state, finished_at)"
                    " SELECT gen_random_uuid(), $1, $2, 'recover', $3, $3, $4,"
                    " CASE WHEN $4 = 'done' THEN $3::timestamptz END ON CONFLICT DO NOTHING",
                    INSTITUTION,
                    one,
                    at,
                    state,
                )
    await remove_old(db, now, 90)
    assert await count(db, "endpoint_hour") == 1
    assert sorted(row["state"] for row in await rows(db, "SELECT state FROM task")) == ["done", "running"]
