"""Hands on the notifier's queue, for tests on a real database."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.notifier.commands.begin_task import begin_task
from services.notifier.commands.fan_out import FanOut
from services.notifier.commands.record_attempts import record_attempts
from services.notifier.commands.register_endpoint import register_endpoint
from services.notifier.commands.step_task import step_task
from services.notifier.domain.content import body_around, message_id
from services.notifier.store import deliveries
from services.notifier.store.deliveries import Claimed, Outcome, Room
from services.notifier.store.messages import NewMessage
from shared.credentials.sealing import Sealer
from shared.events.ids import new_id
from shared.postgres.database import Database

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SEALER = Sealer.from_text("test:" + base64.b64encode(b"k" * 32).decode())
INSTITUTION = uuid4()


async def endpoint(db: Database, institution: UUID = INSTITUTION, *, proven: bool = True, **asked: Any) -> UUID:
    fields = {"url": "https://platform.example/hook", "events": ["*"], **asked}
    async with db.worker() as tx:
        made, _ = await register_endpoint(tx, institution, sealer=SEALER, now=NOW, most=1000, **fields)
        await tx.execute("UPDATE endpoint SET proven = $2 WHERE id = $1", made.id, proven)
    return made.id


async def tell(
    db: Database, count: int = 1, institution: UUID = INSTITUTION, *, subject: str | None = None
) -> list[str]:
    """Fan out that many events as a consumer's batch, each about something else or all about `subject`."""
    batch = [message(institution, subject=subject or uuid4().hex) for _ in range(count)]
    await fan_out(db, *batch)
    return [each.id for each in batch]


def message(
    institution: UUID = INSTITUTION,
    *,
    type: str = "credential.revoked",
    subject: str = "of-a-test",
    achievement: UUID | None = None,
    issuer: UUID | None = None,
    **data: Any,
) -> NewMessage:
    """Something happened, by default to a credential of the institution; its message says `data`."""
    now = datetime.now(UTC)
    body = body_around(type, now, orjson.dumps({"credential_id": subject, **data}))
    whole = orjson.dumps({"credential_id": subject, **data, "whole": True})
    return NewMessage(
        id=message_id(),
        institution_id=institution,
        event_id=new_id(),
        type=type,
        body=body,
        traceparent=None,
        created_at=now,
        subject=subject,
        achievement_id=achievement,
        issuer_id=issuer,
        full_data=lambda: whole,
    )


async def fan_out(db: Database, *batch: NewMessage) -> None:
    fan_out = FanOut(lambda: None)
    async with db.worker() as tx:
        for each in batch:
            fan_out.add(tx, each)


async def replay(db: Database, one: UUID) -> None:
    """Give an endpoint what it would have got, had it been there before."""
    now = datetime.now(UTC)
    async with db.worker() as tx:
        await begin_task(tx, INSTITUTION, "replay", one, since=now - timedelta(hours=1), until=now, now=now)
    for _ in range(2):  # a batch, and the look that finds nothing
        async with db.worker() as tx:
            await step_task(tx)


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
