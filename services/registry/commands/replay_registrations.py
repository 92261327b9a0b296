"""Announce records again, for consumers that lost or dropped what they had."""

from dataclasses import dataclass
from uuid import UUID

from services.registry.store import history, records
from shared.events.catalogue import CredentialRegistered
from shared.outbox import outbox
from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many events went to the outbox, how many could not, how many are left, and the id to go on behind."""

    events: int
    missing: int
    remaining: int
    next: UUID | None


async def replay_registrations(tx: Transaction, after: UUID | None, limit: int) -> Replayed:
    """Append a page of credential.registered events once more, each with the id and time it had at first."""
    page = await history.registrations(tx, after, limit)
    known = await records.by_ids(tx, [remembered.credential_id for remembered in page])
    events = 0
    for remembered in page:
        record = known.get(remembered.credential_id)
        if record is None:
            continue
        event = CredentialRegistered(
            version=remembered.version,
            credential_id=record.credential_id,
            institution_id=record.institution_id,
            achievement_id=record.achievement_id,
            document_sha256=record.document_sha256.hex(),
            registered_at=record.registered_at,
        )
        await outbox.append_replayed(tx, event, event_id=remembered.event_id, at=remembered.at)
        events += 1
    remaining = await history.count_after(tx, page[-1].event_id) if page else 0
    return Replayed(events, len(page) - events, remaining, page[-1].event_id if remaining else None)
