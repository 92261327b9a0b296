"""A consumer under test, with handlers that write down what they did in the database itself."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from operator import itemgetter
from uuid import uuid4

import asyncpg

from shared.bus.port import Bus
from shared.events.catalogue import CredentialRegistered
from shared.events.envelope import Envelope
from shared.inbox import parking
from shared.inbox.consumer import Consumer
from shared.inbox.dispatch import Handlers
from shared.postgres.database import Database, Transaction
from tests.contract.events import eventually, new_topic

Rule = Callable[[Transaction, Envelope, CredentialRegistered], Awaitable[None]]


class Effects:
    """What handlers did: one row (key, version, type) an effect, in the order of the commits of each key."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.topic, self.group = new_topic(), f"group-{uuid4().hex[:8]}"
        self.rule: Rule | None = None

    @classmethod
    async def prepare(cls, db: Database) -> "Effects":
        """Make the table, and `cut()`, which ends the connection that calls it."""
        owner = await asyncpg.connect(db.settings.owner_url)
        await owner.execute(
            "CREATE TABLE effect (n bigint GENERATED ALWAYS AS IDENTITY, key text, version bigint, event_id uuid);"
            "SELECT laurel_open('effect');"
            "CREATE FUNCTION cut() RETURNS bool SECURITY DEFINER RETURN pg_terminate_backend(pg_backend_pid())"
        )
        await owner.close()
        return cls(db)

    def handlers(self) -> Handlers:
        """Write the effect, then apply `rule`, which may raise."""
        return {CredentialRegistered: self._handle}

    async def _handle(self, tx: Transaction, envelope: Envelope, event: CredentialRegistered) -> None:
        await tx.execute(
            "INSERT INTO effect (key, version, event_id) VALUES ($1, $2, $3)", event.key, event.version, envelope.id
        )
        if self.rule is not None:
            await self.rule(tx, envelope, event)

    def consumer(self, bus: Bus, instance: str = "one") -> Consumer:
        """A member of this test's group."""
        return Consumer(
            bus, self.db, group=self.group, topics=[self.topic], handlers=self.handlers(), instance=instance
        )

    async def of(self, key: object) -> list[int]:
        """The versions of a key that had their effect, in order."""
        async with self.db.worker() as tx:
            rows = await tx.fetch("SELECT version FROM effect WHERE key = $1 ORDER BY n", str(key))
        return [row["version"] for row in rows]

    async def parked(self) -> list[tuple[str, str]]:
        """(key, reason) of the waiting parked events, in order."""
        async with self.db.worker() as tx:
            return [(row["key"], row["reason"]) for row in await parking.list_parked(tx, 0, 1000)]

    async def eventually(self, key: object, versions: list[int], seconds: float = 15) -> None:
        """Wait until a key's effects are exactly these."""

        async def so() -> bool:
            return await self.of(key) == versions

        await eventually(so, seconds)

    async def eventually_parked(self, *expected: tuple[object, str], seconds: float = 15) -> None:
        """Wait until exactly these are parked for good, none waiting for a retry; keys have no order among them."""
        wanted = sorted(((str(key), reason) for key, reason in expected), key=itemgetter(0))

        async def so() -> bool:
            if sorted(await self.parked(), key=itemgetter(0)) != wanted:
                return False
            async with self.db.worker() as tx:  # afterwards: before, none of them may have been there to be tried again
                return not await parking.any_retry(tx)

        await eventually(so, seconds)


@asynccontextmanager
async def consuming(*consumers: Consumer) -> AsyncIterator[None]:
    """Consumers at work; told to stop, and seen to stop, at the end."""
    tasks = [asyncio.create_task(consumer.run()) for consumer in consumers]
    try:
        yield
    finally:
        await asyncio.gather(*(consumer.stop() for consumer in consumers))
        await asyncio.wait_for(asyncio.gather(*tasks), 5)
