"""Events as the issuer and the verifier tell them, handed straight to the registry's handlers, and what that left."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson

from services.registry.domain.counts import Counts
from services.registry.handlers import HANDLERS
from services.registry.store import counts, records
from shared.events.catalogue import CredentialIssued, CredentialVerified
from shared.events.catalogue.credential import StatusEntry
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from shared.postgres.database import Database, Transaction

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
INSTITUTION, ACHIEVEMENT = uuid4(), uuid4()
DOCUMENT = {"zeta": "stays first", "id": "https://r.example/credentials/1", "@context": [], "number": 1.0, "ü": "é"}
ENTRY = StatusEntry(purpose="revocation", status_list_credential="https://i.example/status-lists/1", index=7)


def issued(credential_id: UUID, **change: Any) -> CredentialIssued:
    """The event of a new credential."""
    fields = {
        "version": 1,
        "credential_id": credential_id,
        "institution_id": INSTITUTION,
        "achievement_id": ACHIEVEMENT,
        "issuer": "did:web:i.example",
        "document": DOCUMENT,
        "status_entries": [ENTRY],
        "issued_at": AT,
    }
    return CredentialIssued.model_validate({**fields, **change})


def changed(kind: type[Event], credential_id: UUID, version: int) -> Event:
    """The event of a change of its status."""
    return kind.model_validate(
        {
            "version": version,
            "credential_id": credential_id,
            "institution_id": INSTITUTION,
            "status_entry": ENTRY,
            "reason": "because",
            "changed_at": AT,
        }
    )


def verified(credential_id: UUID, version: int) -> CredentialVerified:
    """The event of its `version`-th verification."""
    return CredentialVerified(
        version=version,
        verification_id=uuid4(),
        credential_id=credential_id,
        institution_id=INSTITUTION,
        verdict="valid",
        verified_at=AT,
    )


def institution(kind: type[Event], version: int, **fields: Any) -> Event:
    """An event with an institution's profile."""
    profile = {"slug": "u", "did": "did:web:i.example", "name": f"Name {version}", "url": "https://u.example"}
    return kind.model_validate({"version": version, "institution_id": INSTITUTION, **fields, **profile})


def achievement(kind: type[Event], version: int, revision: int, **fields: Any) -> Event:
    """An event with a revision of an achievement."""
    document = {"id": "https://r.example/achievements/1", "name": f"Name {revision}", "achievementType": "Course"}
    return kind.model_validate(
        {
            "version": version,
            "achievement_id": ACHIEVEMENT,
            "institution_id": INSTITUTION,
            "revision": revision,
            "document": document,
            **fields,
        }
    )


async def handle(db: Database, *events: Event) -> None:
    """As the consumer does, without its inbox: every event in one transaction."""
    async with db.worker() as tx:
        for event in events:
            await call(tx, event)


async def call(tx: Transaction, event: Event) -> None:
    """Handle one event in a transaction."""
    envelope = Envelope(new_id(), event.TYPE, "/issuer", event.key, AT, event.version)
    await HANDLERS[type(event)](tx, envelope, event)


async def count(db: Database) -> Counts:
    """The counts, which have to be the same seen from everywhere."""
    async with db.worker() as tx:
        of_achievement = (await counts.of_achievements(tx, [ACHIEVEMENT])).get(ACHIEVEMENT, Counts())
        of_institution = (await counts.of_institutions(tx, [INSTITUTION])).get(INSTITUTION, Counts())
        of_all, _, _ = await counts.of_all(tx)
    assert of_achievement == of_institution == of_all
    return of_achievement


async def status(db: Database, credential_id: UUID) -> str:
    """A credential's status on the record."""
    async with db.worker() as tx:
        record = await records.get(tx, credential_id)
    assert record is not None
    return record.status


async def registrations(db: Database) -> list[dict[str, Any]]:
    """What is in the outbox for the registry's topic."""
    async with db.worker() as tx:
        rows = await tx.fetch("SELECT event_id, key, value FROM outbox WHERE topic = 'registry.events' ORDER BY id")
    return [{"event_id": row["event_id"], "key": row["key"], **orjson.loads(row["value"])} for row in rows]
