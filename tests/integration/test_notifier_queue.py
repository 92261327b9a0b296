"""The queue of deliveries on a real database: claims, leases, results, resends."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from services.notifier.store import deliveries, endpoints, messages
from services.notifier.store.deliveries import Room
from shared.postgres.database import Database, Transaction
from tests.fixtures.postgres import Templates
from tests.integration.notifier_queue import (
    INSTITUTION,
    NOW,
    claim,
    endpoint,
    let_leases_run_out,
    record,
    result,
    rows,
    states,
    tell,
)

ROOM = Room(slots=400, known=[], free=[], flying=[], start=8)


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


async def test_what_is_claimed_is_not_claimed_again_before_its_lease_runs_out(db: Database) -> None:
    await endpoint(db)
    [message] = await tell(db)
    [first] = await claim(db)
    assert (first.message_id, first.attempt) == (message, 1)
    assert await claim(db) == []

    await let_leases_run_out(db)
    [again] = await claim(db)
    assert (again.id, again.message_id, again.attempt) == (first.id, message, 2)
    [lost] = await rows(db, "SELECT n, error, status FROM attempt")
    assert lost == {"n": 1, "error": "interrupted", "status": None}


async def test_a_result_that_comes_after_the_lease_is_kept_and_ends_the_delivery_when_it_was_received(
    db: Database,
) -> None:
    await endpoint(db)
    await tell(db)
    [first] = await claim(db)
    await let_leases_run_out(db)
    [second] = await claim(db)
    await record(db, result(first))
    assert await states(db) == ["delivered"]
    await record(db, result(second, 500))

    assert await states(db) == ["delivered"]
    attempts = await rows(db, "SELECT n, status, error FROM attempt ORDER BY n")
    assert attempts == [{"n": 1, "status": 200, "error": None}, {"n": 2, "status": 500, "error": None}]


async def test_a_late_failure_does_not_touch_the_newer_attempt(db: Database) -> None:
    await endpoint(db)
    await tell(db)
    [first] = await claim(db)
    await let_leases_run_out(db)
    [second] = await claim(db)
    await record(db, result(first, 500, wait=0))
    assert await claim(db) == [], "the second attempt still has its lease"
    await record(db, result(second))
    assert await states(db) == ["delivered"]


async def test_the_window_the_slots_and_the_cap_bound_what_is_taken(db: Database) -> None:
    for _ in range(3):
        await endpoint(db)
    await tell(db, 20)
    assert len(await claim(db, slots=5)) == 5
    assert len(await claim(db, start=2)) == 6
    assert len(await claim(db, start=100)) == 3 * 8


async def test_an_endpoint_that_never_answered_gets_one_at_a_time(db: Database) -> None:
    one = await endpoint(db, proven=False)
    await tell(db, 5)
    [first] = await claim(db)
    async with db.worker_connection() as connection:
        assert await deliveries.claim(connection, Room(400, [one], [1], [1], 2)) == []
    await record(db, result(first))
    assert len(await claim(db)) == 2


async def test_failures_open_the_breaker_and_a_success_closes_it(db: Database) -> None:
    one = await endpoint(db)
    await tell(db, 5)
    await record(db, *[result(claimed, 500, wait=0) for claimed in await claim(db, start=3)])
    [after] = await rows(db, "SELECT fail_streak, open_until - now() AS wait FROM endpoint")
    assert after["fail_streak"] == 3
    assert timedelta(seconds=4) < after["wait"] <= timedelta(seconds=5)  # type: ignore[operator]
    assert await claim(db) == []
    await tell(db)
    assert await claim(db) == [], "a new event does not close it"

    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET open_until = now(), due_at = now()")
    [probe] = await claim(db, start=8)
    await record(db, result(probe))
    [after] = await rows(db, "SELECT fail_streak, failing_since, open_until FROM endpoint WHERE id = $1", one)
    assert after == {"fail_streak": 0, "failing_since": None, "open_until": None}
    assert len(await claim(db, start=8)) == 5


async def test_a_success_that_was_under_way_when_the_breaker_opened_lets_the_rest_go_at_once(db: Database) -> None:
    await endpoint(db)
    await tell(db, 6)
    *failing, last = await claim(db, start=4)
    await record(db, *[result(claimed, 500) for claimed in failing])
    assert await claim(db) == []
    await record(db, result(last))
    assert len(await claim(db)) == 2


async def test_the_breaker_waits_five_minutes_at_most(db: Database) -> None:
    await endpoint(db)
    await tell(db)
    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET fail_streak = 2000000000")
    [probe] = await claim(db)
    await record(db, result(probe, 500))
    [after] = await rows(db, "SELECT open_until - now() AS wait FROM endpoint")
    assert timedelta(seconds=298) < after["wait"] <= timedelta(seconds=300)  # type: ignore[operator]


async def test_five_days_of_failure_switch_an_endpoint_off_once_and_say_so(db: Database) -> None:
    one = await endpoint(db)
    await tell(db, 2)
    first, second = await claim(db)
    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET fail_streak = 9, failing_since = $1", NOW - timedelta(days=5))
    await record(db, result(first, 500), now=NOW)
    await record(db, result(second, 500), now=NOW)

    async with db.worker() as tx:
        found = await endpoints.get(tx, one)
    assert found is not None
    assert (found.state, found.disabled_reason) == ("disabled", "failing")
    assert await states(db) == ["pending", "pending"]
    events = await rows(db, "SELECT type, subject, version FROM event_history")
    assert events == [{"type": "org.laurel.endpoint.disabled.v1", "subject": str(one), "version": 1}]


async def test_events_about_one_endpoint_have_growing_versions(db: Database) -> None:
    await endpoint(db)
    await tell(db, 3)
    claimed = await claim(db, start=3)
    await record(db, *[result(each, 410, "exhausted") for each in claimed])
    events = await rows(db, "SELECT type, version FROM event_history ORDER BY version")
    assert [event["version"] for event in events] == [1, 2, 3, 4]
    assert events[-1]["type"] == "org.laurel.endpoint.disabled.v1"


async def test_a_resend_goes_first_even_past_an_open_breaker_and_while_in_flight(db: Database) -> None:
    one = await endpoint(db)
    first, *_, last = await tell(db, 5)
    in_flight, _ = await claim(db)
    assert in_flight.message_id == first
    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET fail_streak = 5, open_until = now() + interval '1 hour', due_at = NULL")
        assert await messages.resend(tx, last, one) == 1
    [next_one] = await claim(db)
    assert (next_one.message_id, next_one.attempt, next_one.trigger) == (last, 1, "manual")

    async with db.worker() as tx:
        assert await messages.resend(tx, first, None) == 1
    await record(db, result(in_flight), result(next_one))
    again = {claimed.message_id: claimed for claimed in await claim(db, start=8)}
    assert (again[first].attempt, again[first].trigger) == (2, "manual"), "it was sent although the first arrived"


async def test_a_message_that_was_delivered_or_given_up_can_be_resent(db: Database) -> None:
    await endpoint(db)
    done, lost = await tell(db, 2)
    by_message = {claimed.message_id: claimed for claimed in await claim(db)}
    await record(db, result(by_message[done]), result(by_message[lost], 500, "exhausted"))
    async with db.worker() as tx:
        await messages.resend(tx, done, None)
        await messages.resend(tx, lost, None)
    assert sorted((claimed.attempt, claimed.trigger) for claimed in await claim(db)) == [(2, "manual"), (2, "manual")]


async def test_a_removed_endpoint_gets_nothing_and_its_past_stays(db: Database) -> None:
    one = await endpoint(db)
    await tell(db, 3)
    flying, _ = await claim(db)
    async with db.tenant(INSTITUTION) as tx:
        assert await endpoints.delete(tx, one)
        assert not await endpoints.delete(tx, one)
    await record(db, result(flying))
    await tell(db)

    assert await claim(db) == []
    assert await states(db) == ["cancelled"] * 3
    assert await rows(db, "SELECT status FROM attempt") == [{"status": 200}]
    assert await rows(db, "SELECT * FROM endpoint_secret") == []


async def test_paused_endpoints_keep_what_comes_for_later(db: Database) -> None:
    one = await endpoint(db)
    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET state = 'paused', due_at = NULL")
    await tell(db, 2)
    assert await claim(db) == []
    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET state = 'active'")
        await endpoints.forget_failures(tx, one, moved=False)
    assert len(await claim(db)) == 2


async def test_an_endpoint_that_lost_its_date_is_woken(db: Database) -> None:
    await endpoint(db)
    await tell(db)
    async with db.worker() as tx:
        await tx.execute("UPDATE endpoint SET due_at = NULL")
    assert await claim(db) == []
    async with db.worker_connection() as connection:
        await deliveries.repair(connection)
    assert len(await claim(db)) == 1


async def test_a_batch_of_events_becomes_one_message_each_in_their_order(db: Database) -> None:
    first, second = await endpoint(db), await endpoint(db)
    told = await tell(db, 50)
    for one in (first, second):
        found = await rows(db, "SELECT message_id FROM delivery WHERE endpoint_id = $1 ORDER BY id", one)
        assert [row["message_id"] for row in found] == told
    assert await tell(db, 3, institution=uuid4())
    assert len(await rows(db, "SELECT * FROM message")) == 53, "what nobody listens to can be pulled"
    assert len(await rows(db, "SELECT * FROM delivery")) == 100


async def test_the_work_of_a_claim_and_a_record_does_not_grow_with_what_waits_even_by_a_plan_of_quiet_times(
    db: Database,
) -> None:
    """Plans are kept: those made while the queue was empty are used when it has just filled up."""
    for _ in range(3):
        await endpoint(db)
    async with db.worker_connection() as connection:
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        assert await deliveries.claim(connection, ROOM) == []
        await deliveries.record(connection, [])
        await tell(db, 1000)
        await connection.execute("BEGIN")
        taken = await deliveries.claim(connection, ROOM)
        assert len(taken) == 24
        assert await read_of_deliveries(connection) < 10 * len(taken)
        await deliveries.record(connection, [result(each) for each in taken])
        assert await read_of_deliveries(connection) < 20 * len(taken)
        await connection.execute("COMMIT")


async def read_of_deliveries(connection: Transaction) -> int:
    """Rows of that table that the transaction has read so far."""
    return int(
        await connection.fetchval(
            "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)"
            " FROM pg_stat_xact_user_tables WHERE relname = 'delivery'"
        )
    )
