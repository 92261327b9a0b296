"""Several dispatchers, consumers and people on one queue at once: nobody waits in a circle, nothing is sent twice."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from services.notifier.store import messages
from shared.postgres.database import Database
from tests.fixtures.postgres import Templates
from tests.integration.notifier_queue import claim, endpoint, record, result, rows, states, tell

SECONDS = 2.0


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


class Hands:
    """What they do until the time is over, and what came of it. A deadlock would raise Unavailable here."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.institutions = [uuid4() for _ in range(3)]
        self.told: list[str] = []
        self.sent: list[tuple[int, int]] = []
        self._over = asyncio.get_running_loop().time() + SECONDS

    def going(self) -> bool:
        return asyncio.get_running_loop().time() < self._over

    async def consume(self) -> None:
        while self.going():
            for institution in random.sample(self.institutions, 3):
                self.told.extend(await tell(self.db, 7, institution))

    async def dispatch(self) -> None:
        while self.going():
            claimed = await claim(self.db, start=8)
            self.sent.extend((each.id, each.attempt) for each in claimed)
            if claimed:
                statuses = random.choices([200, 200, 500], k=len(claimed))
                results = [result(each, status, wait=0) for each, status in zip(claimed, statuses, strict=True)]
                await record(self.db, *results)

    async def resend(self) -> None:
        while self.going():
            async with self.db.worker() as tx:
                await messages.resend(tx, random.choice(self.told or ["none"]), None)

    async def asleep(self) -> int:
        """Endpoints that have something to send now, and whose date is later or never: nobody woke them."""
        found = await rows(
            self.db,
            "SELECT FROM endpoint e WHERE open_until IS NULL AND (due_at IS NULL OR due_at > now()) AND EXISTS (SELECT"
            " FROM delivery d WHERE d.endpoint_id = e.id AND d.state = 'pending' AND d.next_at <= now())",
        )
        return len(found)

    async def drain(self) -> None:
        """Send what is left."""
        async with self.db.worker() as tx:
            await tx.execute("UPDATE endpoint SET open_until = NULL, fail_streak = 0, due_at = now()")
        while claimed := await claim(self.db, start=8):
            await record(self.db, *[result(each) for each in claimed])


async def test_many_hands_neither_block_each_other_nor_lose_nor_double(db: Database) -> None:
    hands = Hands(db)
    for institution in hands.institutions:
        for _ in range(3):
            await endpoint(db, institution)
    await asyncio.gather(
        hands.consume(), hands.consume(), hands.dispatch(), hands.dispatch(), hands.dispatch(), hands.resend()
    )
    assert len(hands.sent) > 100
    assert len(hands.sent) == len(set(hands.sent)), "an attempt was given out twice"
    assert await hands.asleep() == 0
    await hands.drain()

    assert set(await states(db)) == {"delivered"}
    assert len(await rows(db, "SELECT FROM message")) == len(hands.told)


async def test_what_is_fanned_out_while_a_claim_runs_is_not_slept_over(db: Database) -> None:
    """The claim's snapshot may be older than its lock: then it moves an endpoint whose new delivery it cannot see."""
    await endpoint(db)
    over = asyncio.get_running_loop().time() + 2 * SECONDS

    async def claim_soon() -> None:
        await asyncio.sleep(random.random() * 0.002)
        await claim(db, start=8)

    while asyncio.get_running_loop().time() < over:
        await tell(db)
        await asyncio.gather(claim_soon(), tell(db))
        [seen] = await rows(
            db,
            "SELECT due_at <= now() AS due, EXISTS (SELECT FROM delivery WHERE state = 'pending' AND leased_at IS NULL)"
            " AS waiting FROM endpoint",
        )
        assert seen["due"] or not seen["waiting"]
        async with db.worker() as tx:
            await tx.execute("UPDATE delivery SET state = 'delivered' WHERE state = 'pending'")
            await tx.execute("UPDATE endpoint SET due_at = NULL")
