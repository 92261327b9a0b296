"""How endpoints fare, on a real database: attempts searched, counted and warned of."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.notifier.domain.delivery import DISABLE_AFTER
from services.notifier.store import attempts, messages, statistics
from services.notifier.store.attempts import Found, Search
from services.notifier.store.statistics import Counted
from shared.postgres.database import Database
from tests.fixtures.postgres import Templates
from tests.integration.notifier_queue import INSTITUTION, NOW, claim, endpoint, record, result, rows, tell


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


async def found(db: Database, institution: UUID = INSTITUTION, **wanted: Any) -> list[Found]:
    """All pages of two."""
    pages: list[Found] = []
    after = None
    while True:
        async with db.tenant(institution) as tx:
            page = await attempts.search(tx, Search(**wanted), after, 2)
        pages += page
        if len(page) < 2:
            return pages
        after = (page[-1].at, page[-1].delivery_id, page[-1].n)


async def test_attempts_are_found_by_each_filter_newest_first(db: Database) -> None:
    first, second = await endpoint(db), await endpoint(db)
    told = await tell(db, 2)
    claimed = sorted(await claim(db), key=lambda each: (each.endpoint_id != first, each.message_id != told[0]))
    start = datetime.now(UTC)
    outcomes = [
        replace(result(claimed[0]), at=start),
        replace(result(claimed[1], 503), at=start + timedelta(seconds=1)),
        replace(result(claimed[2]), at=start + timedelta(seconds=1)),
        replace(result(claimed[3]), status=None, error="timeout", state="pending", at=start + timedelta(seconds=3)),
    ]
    await record(db, *outcomes)
    everything = await found(db)
    assert len(everything) == 4
    keys = [(each.at, each.delivery_id, each.n) for each in everything]
    assert keys == sorted(keys, reverse=True)

    def ids(listed: list[Found]) -> set[int]:
        return {each.delivery_id for each in listed}

    one, two, three, four = (each.claimed.id for each in outcomes)
    assert ids(await found(db, endpoint=first)) == {one, two}
    assert ids(await found(db, message=told[0])) == {one, three}
    assert ids(await found(db, status=503)) == {two}
    assert ids(await found(db, status=200)) == {one, three}
    assert ids(await found(db, error="timeout")) == {four}
    assert ids(await found(db, outcome="failed")) == {two, four}
    assert ids(await found(db, outcome="delivered")) == {one, three}
    assert ids(await found(db, since=start + timedelta(seconds=1))) == {two, three, four}
    assert ids(await found(db, until=start + timedelta(seconds=1))) == {one}
    assert ids(await found(db, endpoint=second, outcome="failed", status=503)) == set()
    assert ids(await found(db, endpoint=second, outcome="failed", message=told[1], error="timeout")) == {four}
    assert await found(db, uuid4()) == []
    assert await found(db, uuid4(), endpoint=first) == []


async def test_an_attempt_that_was_interrupted_is_found_too(db: Database) -> None:
    one = await endpoint(db)
    await tell(db)
    await claim(db)
    async with db.worker() as tx:
        await tx.execute("UPDATE delivery SET next_at = clock_timestamp()")
        await tx.execute("UPDATE endpoint SET due_at = clock_timestamp()")
    await claim(db)
    assert [(each.error, each.endpoint_id) for each in await found(db, error="interrupted")] == [("interrupted", one)]


ATTEMPTS = """
WITH made AS (
    INSERT INTO message (id, institution_id, event_id, type, body, created_at)
    SELECT 'msg_' || n, $1::uuid, gen_random_uuid(), 'credential.revoked', '{}', now()
    FROM generate_series(1, 20000) n RETURNING id
), queued AS (
    INSERT INTO delivery (institution_id, message_id, endpoint_id, state) SELECT $1, id, $2::uuid, 'delivered' FROM made
    RETURNING id
)
INSERT INTO attempt (institution_id, endpoint_id, delivery_id, n, trigger, at, duration_ms, status, error)
SELECT $1, $2, id, 1, 'scheduled', now() - id * interval '1 second', 5,
    CASE WHEN id % 4000 = 0 THEN 418 WHEN id % 3 > 0 THEN 200 WHEN id % 2 = 0 THEN 500 END,
    CASE WHEN id % 4000 <> 0 AND id % 3 = 0 AND id % 2 = 1 THEN 'timeout' END
FROM queued
"""


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"endpoint": True},
        {"status": 418},
        {"status": 500},
        {"error": "timeout"},
        {"outcome": "failed"},
        {"outcome": "delivered"},
        {"endpoint": True, "outcome": "failed"},
        {"since": datetime(2020, 1, 1, tzinfo=UTC)},
        {"message": True},
    ],
    ids=lambda wanted: "+".join(wanted) or "all",
)
async def test_the_work_of_a_search_does_not_grow_with_what_is_on_record(db: Database, wanted: dict[str, Any]) -> None:
    """The rows read are those of the page, and for a rare status those that there are; not the 20,000."""
    one = await endpoint(db)
    async with db.worker() as tx:
        await tx.execute(ATTEMPTS, INSTITUTION, one)
        last = await tx.fetchrow("SELECT at, delivery_id FROM attempt ORDER BY at DESC OFFSET 5000 LIMIT 1")
        assert last is not None
        message = await tx.fetchval("SELECT message_id FROM delivery WHERE id = $1", last["delivery_id"])
    if "endpoint" in wanted:
        wanted = {**wanted, "endpoint": one}
    if "message" in wanted:
        wanted = {"message": message}
    await analyse(db)
    async with db.tenant(INSTITUTION) as tx:
        page = await attempts.search(tx, Search(**wanted), (last["at"], last["delivery_id"] + 1, 0), 51)
        assert page
        read = await tx.fetchval(
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
            " FROM pg_stat_xact_user_tables WHERE relname = 'attempt'"
        )
    assert read < 400, f"{read} rows for {len(page)}"


async def test_attempts_are_counted_by_hour_outcome_and_duration(db: Database) -> None:
    one, other = await endpoint(db), await endpoint(db)
    await tell(db, 6)
    claimed = [each for each in await claim(db, start=8) if each.endpoint_id == one]
    assert len(claimed) == 6
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    before = hour - timedelta(minutes=1)
    await record(
        db,
        replace(result(claimed[0]), at=hour, duration_ms=7),
        replace(result(claimed[1]), at=hour, duration_ms=9),
        replace(result(claimed[2], 500), at=hour, duration_ms=9),
        replace(result(claimed[3]), status=None, error="timeout", state="pending", at=hour, duration_ms=15_003),
    )
    await record(db, replace(result(claimed[4]), at=hour, duration_ms=7))
    await record(db, replace(result(claimed[5]), at=before, duration_ms=150))
    async with db.tenant(INSTITUTION) as tx:
        counted = await statistics.counted(tx, one, hour)
        assert sorted(counted, key=lambda each: each.outcome) == [
            Counted("delivered", 2, 3),
            Counted("refused", 2, 1),
            Counted("timeout", 13, 1),
        ]
        assert await statistics.hours(tx, one, before) == [
            {"hour": hour - timedelta(hours=1), "delivered": 1, "failed": 0},
            {"hour": hour, "delivered": 3, "failed": 2},
        ]
        assert await statistics.counted(tx, other, before) == []
    async with db.tenant(uuid4()) as tx:
        assert await statistics.counted(tx, one, before) == []
        assert await statistics.breaker(tx, one) is None


async def test_the_backlog_and_the_breaker_are_told(db: Database) -> None:
    one = await endpoint(db)
    async with db.tenant(INSTITUTION) as tx:
        assert await statistics.backlog(tx, one) == statistics.Backlog(0, None)
        assert await statistics.breaker(tx, one) == statistics.Breaker("closed", None, 0, None)
    oldest, *_ = await tell(db, 4)
    await record(db, *[result(each, 500, wait=3600) for each in await claim(db, start=3)])
    async with db.tenant(INSTITUTION) as tx:
        backlog, breaker = await statistics.backlog(tx, one), await statistics.breaker(tx, one)
        message = await messages.get(tx, oldest)
    assert message is not None
    assert backlog == statistics.Backlog(4, message.created_at), "the oldest, although it is not the first in line"
    assert breaker is not None
    assert (breaker.state, breaker.fail_streak) == ("open", 3)
    assert breaker.open_until is not None
    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET open_until = now() - interval '1 second'")
    async with db.tenant(INSTITUTION) as tx:
        probing = await statistics.breaker(tx, one)
    assert probing is not None
    assert (probing.state, probing.open_until) == ("probing", None)


async def test_a_failing_endpoint_is_warned_of_once_a_threshold_and_anew_after_it_recovered(db: Database) -> None:
    one = await endpoint(db)
    await tell(db)

    async def fail(since: timedelta, status: int = 500) -> list[str]:
        """One more attempt, after failing for that long; the types of the events so far."""
        async with db.worker() as tx:
            await tx.execute(
                "UPDATE endpoint SET fail_streak = 20, failing_since = $1, open_until = NULL, due_at = now()",
                NOW - since,
            )
            await tx.execute("UPDATE delivery SET next_at = now(), state = 'pending', leased_at = NULL")
        await record(db, *[result(each, status) for each in await claim(db)], now=NOW)
        events = await rows(db, "SELECT type FROM event_history ORDER BY version")
        return [str(event["type"]).removeprefix("org.laurel.endpoint.").removesuffix(".v1") for event in events]

    day = timedelta(days=1)
    assert await fail(0.9 * day) == []
    assert await fail(day) == ["failing"]
    assert await fail(day) == ["failing"]
    [event] = await rows(db, "SELECT convert_from(value, 'utf-8')::jsonb AS value FROM outbox")
    value = event["value"]
    assert isinstance(value, dict)
    assert (value["endpoint_id"], value["attempts"]) == (str(one), 21)
    assert datetime.fromisoformat(value["disabled_after"]) == NOW - day + DISABLE_AFTER
    async with db.worker() as tx:  # it was warned when it had failed for a day
        await tx.execute("UPDATE endpoint SET warned_at = warned_at - interval '3 days'")
    assert await fail(4 * day) == ["failing"] * 2
    assert await fail(4.1 * day, 200) == ["failing"] * 2
    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET warned_at = warned_at - interval '30 days'")
    assert await fail(day) == ["failing"] * 3
    assert await fail(5 * day) == [*["failing"] * 3, "disabled"]


async def analyse(db: Database) -> None:
    """As the server does by itself, a minute later."""
    connection = await asyncpg.connect(db.settings.owner_url)
    try:
        await connection.execute("ANALYZE attempt; ANALYZE delivery")
    finally:
        await connection.close()
