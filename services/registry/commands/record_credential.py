"""Put a credential on the public record, once."""

import hashlib
from datetime import datetime

import orjson

from services.registry.domain.record import Registered
from services.registry.store import records
from shared.credentials import jcs
from shared.events.catalogue import CredentialIssued, CredentialRegistered
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def record_credential(tx: Transaction, issued: CredentialIssued, *, now: datetime) -> bool:
    """Record the credential, count it and announce it (credential.registered), all or nothing.

    False when it is on the record already: then nothing is announced again, and the record is written anew only where
    a rebuild was asked for. Raises CanonicalError for a document that no JSON can carry exactly.
    """
    registered = registered_of(issued)
    if await records.add(tx, registered, now):
        await outbox.append(tx, announcement(registered, 1, now), at=now)
        return True
    before = await records.lock(tx, registered.credential_id)
    if before is not None and before.is_stale:
        await records.replace(tx, registered, before)
    return False


def registered_of(issued: CredentialIssued) -> Registered:
    """The record an issued credential makes. Its document keeps the order of its members."""
    return Registered(
        credential_id=issued.credential_id,
        institution_id=issued.institution_id,
        achievement_id=issued.achievement_id,
        issuer=issued.issuer,
        document=orjson.dumps(issued.document),
        document_sha256=hashlib.sha256(jcs(issued.document)).digest(),
        version=issued.version,
        issued_at=issued.issued_at,
    )


def announcement(registered: Registered, version: int, at: datetime) -> CredentialRegistered:
    """The event about a new record."""
    return CredentialRegistered(
        version=version,
        credential_id=registered.credential_id,
        institution_id=registered.institution_id,
        achievement_id=registered.achievement_id,
        document_sha256=registered.document_sha256.hex(),
        registered_at=at,
    )
