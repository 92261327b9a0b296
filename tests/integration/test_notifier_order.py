"""Strict order for each subject, rates over several dispatchers, and caps: decided in the claim."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest

from services.notifier.store import deliveries, holds, messages
from services.notifier.store.deliveries import Claimed, Room
from shared.postgres.database import Database
from tests.fixtures.postgres import Templates
from tests.integration.notifier_queue import (
    claim,
    endpoint,
    fan_out,
    let_leases_run_out,
    message,
    record,
    result,
    rows,
    states,
    tell,
)
from tests.integration.test_notifier_queue import read_of_deliveries


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


def ids(claimed: list[Claimed]) -> list[str]:
    return [each.message_id for each in claimed]


class Hands:
    """What events become, what is sent, and what came of it."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.told: list[str] = []
        self.arrived: dict[tuple[object, str | None], list[str]] = defaultdict(list)
        self._over = asyncio.get_running_loop().time() + 2

    def going(self) -> bool:
        return asyncio.get_running_loop().time() < self._over

    async def consume(self) -> None:
        while self.going():
            batch = [message(subject=random.choice("abcde")) for _ in range(random.randint(1, 5))]
            await fan_out(self.db, *batch)
            self.told.extend(each.id for each in batch)
            await asyncio.sleep(0.02)

    async def dispatch(self) -> None:
        while self.going():
            await self.dispatch_once()

    async def dispatch_once(self) -> None:
        outcomes = [result(each, random.choice([200, 200, 500]), wait=0) for each in await claim(self.db, start=4)]
        for each in outcomes:
            if each.ok:
                self.arrived[each.claimed.endpoint_id, each.claimed.subject].append(each.claimed.message_id)
        if outcomes:
            await record(self.db, *outcomes)


class TestOrder:
    async def test_the_second_of_a_credential_waits_for_the_first_and_others_flow(self, db: Database) -> None:
        await endpoint(db, ordered=True)
        [first, second, third] = await tell(db, 3, subject="one")
        [other] = await tell(db, subject="other")
        taken = await claim(db, start=8)
        assert ids(taken) == [first, other]
        assert await claim(db, start=8) == []
        await record(db, result(taken[0]))
        [next_one] = await claim(db, start=8)
        assert next_one.message_id == second
        await record(db, result(next_one), result(taken[1]))
        assert ids(await claim(db, start=8)) == [third]

    async def test_a_failure_keeps_the_later_ones_waiting_until_it_is_settled(self, db: Database) -> None:
        await endpoint(db, ordered=True)
        first, second = await tell(db, 2, subject="one")
        [taken] = await claim(db, start=8)
        await record(db, result(taken, 500, wait=0))
        [again] = await claim(db, start=8)
        assert (again.message_id, again.attempt) == (first, 2)
        await record(db, result(again, 500, "exhausted"))
        assert ids(await claim(db, start=8)) == [second]

    async def test_one_whose_dispatcher_died_is_still_in_the_way(self, db: Database) -> None:
        await endpoint(db, ordered=True)
        first, second = await tell(db, 2, subject="one")
        [taken] = await claim(db, start=8)
        await let_leases_run_out(db)
        [again] = await claim(db, start=8)
        assert (again.id, again.message_id) == (taken.id, first)
        await record(db, result(again))
        assert ids(await claim(db, start=8)) == [second]

    async def test_a_resend_by_hand_does_not_overtake(self, db: Database) -> None:
        await endpoint(db, ordered=True)
        first, second = await tell(db, 2, subject="one")
        [taken] = await claim(db, start=8)
        async with db.worker() as tx:
            await messages.resend(tx, second, None)
        assert await claim(db, start=8) == []
        await record(db, result(taken))
        [next_one] = await claim(db, start=8)
        assert next_one.message_id == second
        async with db.worker() as tx:
            await messages.resend(tx, first, None)
        await record(db, result(next_one, 500, wait=0))
        assert ids(await claim(db, start=8)) == [first]

    async def test_who_did_not_ask_for_order_has_none(self, db: Database) -> None:
        await endpoint(db)
        told = await tell(db, 3, subject="one")
        assert ids(await claim(db, start=8)) == told
        assert {row["subject"] for row in await rows(db, "SELECT subject FROM delivery")} == {None}

    async def test_order_holds_whatever_fails_and_whoever_sends(self, db: Database) -> None:
        """Several dispatchers, failures at random, events coming in all the while; then everything is drained."""
        for _ in range(2):
            await endpoint(db, ordered=True)
        hands = Hands(db)
        await asyncio.gather(hands.consume(), *(hands.dispatch() for _ in range(3)))
        while "pending" in await states(db):
            await hands.dispatch_once()
            async with db.worker() as tx:
                await tx.execute("UPDATE endpoint SET open_until = NULL, fail_streak = 0, due_at = now()")
        assert len(hands.told) > 50
        assert sum(len(each) for each in hands.arrived.values()) == 2 * len(hands.told)
        for heard in hands.arrived.values():
            assert heard == [each for each in hands.told if each in set(heard)]

    async def test_the_work_of_a_claim_does_not_grow_with_what_is_held(self, db: Database) -> None:
        await endpoint(db, ordered=True)
        async with db.worker_connection() as connection:
            await connection.execute("SET plan_cache_mode = force_generic_plan")
            assert await deliveries.claim(connection, Room(400, [], [], [], 8)) == []
            await holds.release(connection, [])
            await tell(db, 500, subject="one")
            await tell(db, 500)
            held = "SELECT FROM delivery WHERE attempt = 0 AND next_at > now() HAVING count(*) = 499"
            while not await rows(db, held):
                await claim(db, start=8)
            await connection.execute("BEGIN")
            taken = await deliveries.claim(connection, Room(400, [], [], [], 8))
            assert len(taken) == 8
            assert await read_of_deliveries(connection) < 20 * len(taken)
            await holds.release(connection, [(each.endpoint_id, str(each.subject)) for each in taken])
            assert await read_of_deliveries(connection) < 30 * len(taken)
            await connection.execute("COMMIT")


class TestRate:
    async def test_a_bucket_is_shared_by_all_dispatchers(self, db: Database) -> None:
        """Never more than a bucket and what time adds, however often and by how many hands it is asked for."""
        one = await endpoint(db, rate_per_second=20, concurrency=64)
        await tell(db, 200)
        [start] = await rows(db, "SELECT clock_timestamp() AS at")
        over = asyncio.get_running_loop().time() + 1.5

        async def dispatch() -> int:
            count = 0
            while asyncio.get_running_loop().time() < over:
                count += len(await claim(db, start=64))
                async with db.worker() as tx:  # as a new event would
                    await tx.execute("UPDATE endpoint SET due_at = least(due_at, now()) WHERE id = $1", one)
            return count

        sent = sum(await asyncio.gather(*(dispatch() for _ in range(4))))
        [end] = await rows(db, "SELECT clock_timestamp() AS at")
        seconds = (end["at"] - start["at"]).total_seconds()  # type: ignore[operator]
        assert 10 + 20 <= sent <= 10 + 20 * seconds

    async def test_an_endpoint_without_tokens_is_due_when_there_is_one(self, db: Database) -> None:
        await endpoint(db, rate_per_second=0.5)
        await tell(db, 3)
        assert len(await claim(db, start=8)) == 1
        [row] = await rows(db, "SELECT extract(epoch FROM due_at - now())::float AS wait, tokens FROM endpoint")
        assert 1 < float(str(row["wait"])) <= 2
        assert row["tokens"] == 0
        assert await claim(db, start=8) == []
        async with db.worker() as tx:
            await tx.execute("UPDATE endpoint SET due_at = now(), tokens_at = tokens_at - interval '2 seconds'")
        assert len(await claim(db, start=8)) == 1

    async def test_tokens_do_not_pile_up(self, db: Database) -> None:
        await endpoint(db, rate_per_second=4, concurrency=64)
        await tell(db, 50)
        assert len(await claim(db, start=64)) == 2
        async with db.worker() as tx:
            await tx.execute("UPDATE endpoint SET due_at = now(), tokens_at = tokens_at - interval '1 day'")
        assert len(await claim(db, start=64)) == 2


async def test_the_endpoints_own_cap_bounds_what_is_taken(db: Database) -> None:
    await endpoint(db, concurrency=3)
    await tell(db, 10)
    assert len(await claim(db, start=64)) == 3
