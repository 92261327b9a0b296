"""Recovery, replay and redrive as tasks on a real database: nothing left out, nothing twice, whoever does the steps."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.notifier.commands.begin_task import TaskRunning, begin_task
from services.notifier.commands.send_test import send_test
from services.notifier.commands.step_task import step_task
from services.notifier.domain.content import Addresses
from services.notifier.domain.errors import Unknown
from services.notifier.domain.task import Task, TaskKind, progress
from services.notifier.store import dead_letters, endpoints, tasks
from shared.postgres.database import Database
from tests.fixtures.postgres import Templates
from tests.integration.notifier_queue import INSTITUTION, claim, endpoint, record, result, rows, states, tell

EVER = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


async def begin(
    db: Database,
    kind: TaskKind,
    endpoint_id: UUID | None,
    since: datetime | None = EVER,
    until: datetime | None = None,
    institution: UUID = INSTITUTION,
) -> Task:
    now = datetime.now(UTC)
    async with db.tenant(institution) as tx:
        return await begin_task(tx, institution, kind, endpoint_id, since=since, until=until or now, now=now)


async def finish(db: Database) -> None:
    """Every step there is."""
    while await step(db):
        pass


async def step(db: Database) -> Task | None:
    async with db.worker() as tx:
        return await step_task(tx)


async def seen(db: Database, task: Task) -> Task:
    async with db.tenant(INSTITUTION) as tx:
        found = await tasks.get(tx, task.id)
    assert found is not None
    return found


async def fail(db: Database, state: str = "exhausted") -> int:
    """Let everything that waits fail; gives how much."""
    async with db.worker() as tx:
        await tx.execute(
            "INSERT INTO attempt (institution_id, delivery_id, n, trigger, at, duration_ms, status)"
            " SELECT institution_id, id, 10, 'scheduled', now(), 5, 500 FROM delivery WHERE state = 'pending'"
        )
        tag = await tx.execute(
            "UPDATE delivery SET state = $1, attempt = 10, next_at = now() + interval '1 day' WHERE state = 'pending'",
            state,
        )
        await tx.execute("UPDATE endpoint SET fail_streak = 9, due_at = NULL, open_until = now() + interval '1 hour'")
    return int(tag.rpartition(" ")[2])


async def move_back(db: Database, message: str, by: timedelta) -> None:
    """Let an event have happened earlier."""
    async with db.worker() as tx:
        await tx.execute("UPDATE message SET created_at = created_at - $2::interval WHERE id = $1", message, by)


async def test_what_was_given_up_cancelled_or_fails_is_put_in_line_and_what_was_received_is_not(db: Database) -> None:
    one, other = await endpoint(db), await endpoint(db)
    given_up, cancelled, failing, received, untried = await tell(db, 5)
    for message, change in (
        (given_up, "state = 'exhausted', attempt = 10"),
        (cancelled, "state = 'cancelled'"),
        (failing, "attempt = 4, next_at = now() + interval '5 hours'"),
        (received, "state = 'delivered', attempt = 1"),
    ):
        async with db.worker() as tx:
            await tx.execute(f"UPDATE delivery SET {change} WHERE message_id = $1", message)
    task = await begin(db, "recover", one)
    await finish(db)

    found = await rows(
        db, "SELECT message_id, trigger FROM delivery WHERE endpoint_id = $1 AND state = 'pending' ORDER BY id", one
    )
    assert [(row["message_id"], row["trigger"]) for row in found] == [
        (given_up, "manual"),
        (cancelled, "manual"),
        (failing, "manual"),
        (untried, "scheduled"),
    ]
    claimed = await claim(db, start=8)
    assert {each.message_id: each.attempt for each in claimed if each.endpoint_id == one} == {
        given_up: 11,
        cancelled: 1,
        failing: 5,
        untried: 1,
    }
    assert len(await rows(db, "SELECT FROM delivery WHERE endpoint_id = $1 AND state = 'exhausted'", other)) == 1
    ended = await seen(db, task)
    assert (ended.state, ended.counted, ended.queued, progress(ended)) == ("done", 5, 3, 1.0)
    assert ended.finished_at is not None


async def test_a_recovery_closes_the_breaker_once_and_takes_the_time_it_was_given(db: Database) -> None:
    one = await endpoint(db)
    for hours, message in zip((3, 2, 1), await tell(db, 3), strict=True):
        await move_back(db, message, timedelta(hours=hours))
    assert await fail(db) == 3
    times = [row["created_at"] for row in await rows(db, "SELECT created_at FROM message ORDER BY created_at")]
    await begin(db, "recover", one, times[1], times[2])  # type: ignore[arg-type]
    [after] = await rows(db, "SELECT open_until, due_at <= now() AS due FROM endpoint")
    assert after == {"open_until": None, "due": True}
    await finish(db)
    assert await states(db) == ["exhausted", "pending", "exhausted"], "since is in it, until is not"


async def test_a_leased_delivery_is_left_to_its_dispatcher(db: Database) -> None:
    one = await endpoint(db)
    await tell(db)
    [flying] = await claim(db)
    await begin(db, "recover", one)
    await finish(db)
    assert await claim(db, start=8) == []
    await record(db, result(flying))
    assert await states(db) == ["delivered"]


async def test_a_replay_also_gives_what_the_endpoint_never_was_to_get_by_its_present_filter(db: Database) -> None:
    early = await endpoint(db)
    before = await tell(db, 3)
    async with db.worker() as tx:
        await tx.execute("UPDATE message SET type = 'credential.issued' WHERE id = $1", before[0])
    late = await endpoint(db)
    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET events = '{credential.revoked}' WHERE id = $1", late)
    await tell(db, 1, uuid4())
    await begin(db, "recover", late)
    await finish(db)
    assert await rows(db, "SELECT FROM delivery WHERE endpoint_id = $1", late) == []

    task = await begin(db, "replay", late)
    await finish(db)
    found = await rows(db, "SELECT message_id, state FROM delivery WHERE endpoint_id = $1 ORDER BY id", late)
    assert [row["message_id"] for row in found] == before[1:]
    assert (await seen(db, task)).queued == 2
    await begin(db, "replay", late)
    await finish(db)
    assert len(await rows(db, "SELECT FROM delivery WHERE endpoint_id = $1", late)) == 2
    assert len(await rows(db, "SELECT FROM delivery WHERE endpoint_id = $1", early)) == 3
    assert len([each for each in await claim(db, start=8) if each.endpoint_id == late]) == 2


async def test_a_test_for_one_endpoint_is_nobodys_to_make_up_for(db: Database) -> None:
    tried, other = await endpoint(db), await endpoint(db)
    now, addresses = datetime.now(UTC), Addresses("https://registry.example", "https://verifier.example")
    async with db.tenant(INSTITUTION) as tx:
        await send_test(tx, INSTITUTION, tried, "credential.issued", "institution", addresses=addresses, now=now)
    assert await fail(db) == 1
    [real] = await tell(db)
    for one in (other, tried):
        begun = await begin(db, "replay", one)
        await finish(db)
        assert (await seen(db, begun)).counted == 1
    found = await rows(db, "SELECT message_id, endpoint_id FROM delivery WHERE state = 'pending'")
    assert {(row["message_id"], row["endpoint_id"]) for row in found} == {(real, tried), (real, other)}

    await begin(db, "redrive", None, None)
    await finish(db)
    again = await rows(db, "SELECT endpoint_id FROM delivery WHERE state = 'pending' AND message_id <> $1", real)
    assert again == [{"endpoint_id": tried}], "a dead letter is sent again, to whom it was for"


async def test_a_long_task_goes_on_where_the_last_process_died_and_several_do_it_once(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 7)
    one = await endpoint(db)
    await tell(db, 100)
    assert await fail(db) == 100
    task = await begin(db, "recover", one)
    with contextlib.suppress(ZeroDivisionError):
        async with db.worker() as tx:
            await step_task(tx)
            raise ZeroDivisionError  # as a process that dies before its commit
    assert (await seen(db, task)).counted == 0
    assert set(await states(db)) == {"exhausted"}

    await step(db)
    halfway = await seen(db, task)
    assert (halfway.counted, halfway.queued, halfway.state) == (7, 7, "running")
    assert 0 < (progress(halfway) or 0) < 1

    async def replica() -> int:
        steps = 0
        while (await seen(db, task)).state == "running":
            steps += await step(db) is not None
        return steps

    steps = await asyncio.gather(*(replica() for _ in range(4)))
    ended = await seen(db, task)
    assert (ended.state, ended.counted, ended.queued) == ("done", 100, 100)
    assert sum(steps) == 15  # 14 batches and the look that finds nothing
    assert set(await states(db)) == {"pending"}


async def test_one_task_an_endpoint_and_the_others_take_turns(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "BATCH", 2)
    first, second = await endpoint(db), await endpoint(db)
    await tell(db, 10)
    await fail(db)
    big = await begin(db, "recover", first)
    with pytest.raises(TaskRunning):
        await begin(db, "replay", first)
    small = await begin(db, "recover", second, until=datetime.now(UTC))
    for _ in range(4):
        await step(db)
    assert [(await seen(db, each)).counted for each in (big, small)] == [4, 4]
    await finish(db)
    await begin(db, "replay", first)


async def test_a_task_ends_with_its_endpoint(db: Database) -> None:
    one = await endpoint(db)
    await tell(db)
    task = await begin(db, "recover", one)
    async with db.tenant(INSTITUTION) as tx:
        await endpoints.delete(tx, one)
    await finish(db)
    assert (await seen(db, task)).state == "cancelled"
    assert await states(db) == ["cancelled"]
    for institution in (INSTITUTION, uuid4()):
        with pytest.raises(Unknown):
            await begin(db, "recover", one, institution=institution)


async def test_dead_letters_are_redriven_for_one_endpoint_or_for_all(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "BATCH", 3)
    first, second, gone = await endpoint(db), await endpoint(db), await endpoint(db)
    await tell(db, 4)
    stranger = uuid4()
    await endpoint(db, stranger)
    await tell(db, 2, stranger)
    assert await fail(db) == 14
    async with db.tenant(INSTITUTION) as tx:
        await endpoints.delete(tx, gone)
    await begin(db, "redrive", first, None)
    await finish(db)
    pending = await rows(db, "SELECT endpoint_id, count(*) AS n FROM delivery WHERE state = 'pending' GROUP BY 1")
    assert pending == [{"endpoint_id": first, "n": 4}]

    task = await begin(db, "redrive", None, None)
    await finish(db)
    pending = await rows(db, "SELECT endpoint_id, count(*) AS n FROM delivery WHERE state = 'pending' GROUP BY 1")
    assert {row["endpoint_id"]: row["n"] for row in pending} == {first: 4, second: 4}
    assert (await seen(db, task)).queued == 4


async def test_a_redrive_since_a_time_leaves_what_is_older(db: Database) -> None:
    await endpoint(db)
    old, _ = await tell(db, 2)
    await fail(db)
    await move_back(db, old, timedelta(days=2))
    await begin(db, "redrive", None, datetime.now(UTC) - timedelta(days=1))
    await finish(db)
    assert await states(db) == ["exhausted", "pending"]


async def test_dead_letters_are_listed_with_their_last_attempt_and_dropped_one_by_one(db: Database) -> None:
    first, second = await endpoint(db), await endpoint(db)
    await tell(db, 3)
    await fail(db)
    async with db.tenant(INSTITUTION) as tx:
        everything = await dead_letters.listing(tx, None, None, 10)
        assert len(everything) == 6
        assert [letter.id for letter in everything] == sorted((letter.id for letter in everything), reverse=True)
        assert {(letter.attempts, letter.last_status) for letter in everything} == {(10, 500)}
        mine = await dead_letters.listing(tx, first, None, 2)
        mine += await dead_letters.listing(tx, first, mine[-1].id, 2)
        assert [letter.endpoint_id for letter in mine] == [first] * 3
        assert await dead_letters.cancel(tx, mine[0].id)
        assert not await dead_letters.cancel(tx, mine[0].id)
        assert len(await dead_letters.listing(tx, None, None, 10)) == 5
    async with db.tenant(uuid4()) as tx:
        assert await dead_letters.listing(tx, None, None, 10) == []
        assert await dead_letters.listing(tx, second, None, 10) == []
        assert not await dead_letters.cancel(tx, mine[1].id)
