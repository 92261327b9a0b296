"""Hands on the notifier's queue, for tests on a real database."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from services.notifier.commands.fan_out import FanOut
from services.notifier.commands.record_attempts import record_attempts
from services.notifier.commands.register_endpoint import register_endpoint
from services.notifier.domain.content import message_id
from services.notifier.store import deliveries
from services.notifier.store.deliveries import Claimed, Outcome, Room
from services.notifier.store.messages import NewMessage
from shared.credentials.sealing import Sealer
from shared.events.ids import new_id
from shared.postgres.database import Database

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SEALER = Sealer.from_text("test:" + base64.b64encode(b"k" * 32).decode())
INSTITUTION = uuid4()


async def endpoint(db: Database, institution: UUID = INSTITUTION, *, proven: bool = True) -> UUID:
    async with db.worker() as tx:
        made, _ = await register_endpoint(
            tx,
            institution,
            url="https://platform.example/hook",
            events=["*"],
            description=None,
            sealer=SEALER,
            now=NOW,
        )
        await tx.execute("UPDATE endpoint SET proven = $2 WHERE id = $1", made.id, proven)
    return made.id


async def tell(db: Database, count: int = 1, institution: UUID = INSTITUTION) -> list[str]:
    """Fan out that many events as a consumer's batch."""
    batch = [
        NewMessage(message_id(), institution, new_id(), "credential.revoked", b"{}", None, datetime.now(UTC))
        for _ in range(count)
    ]
    fan_out = FanOut(lambda: None)
    async with db.worker() as tx:
        for message in batch:
            fan_out.add(tx, message)
    return [message.id for message in batch]


async def claim(db: Database, slots: int = 400, start: int = 2) -> list[Claimed]:
    async with db.worker_connection() as connection:
        return await deliveries.claim(connection, Room(slots, [], [], [], start))


def result(claimed: Claimed, status: int = 200, state: str | None = None, wait: float = 60) -> Outcome:
    state = state or ("delivered" if status == 200 else "pending")
    next_at = datetime.now(UTC) + timedelta(seconds=wait) if state == "pending" else None
    return Outcome(claimed, datetime.now(UTC), 5, status, None, "", state, next_at)


async def record(db: Database, *outcomes: Outcome, now: datetime = NOW) -> None:
    async with db.worker() as tx:
        await record_attempts(tx, outcomes, now=now)


async def let_leases_run_out(db: Database) -> None:
    async with db.worker() as tx:
        await tx.execute("UPDATE delivery SET next_at = clock_timestamp() WHERE leased_at IS NOT NULL")
        await tx.execute("UPDATE endpoint SET due_at = clock_timestamp()")


async def rows(db: Database, query: str, *args: object) -> list[dict[str, object]]:
    async with db.worker() as tx:
        return [dict(row) for row in await tx.fetch(query, *args)]


async def states(db: Database) -> list[str]:
    return [str(row["state"]) for row in await rows(db, "SELECT state FROM delivery ORDER BY id")]
