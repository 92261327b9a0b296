"""What the verifier saw: how much a credential is asked for."""

from services.registry.store import records
from shared.events.catalogue import CredentialVerified
from shared.events.envelope import Envelope
from shared.postgres.database import Transaction


async def credential_verified(tx: Transaction, _: Envelope, event: CredentialVerified) -> None:
    """Count a verification. The event's version is the number of them, so hearing it twice counts once."""
    await records.count_verification(tx, event.credential_id, event.institution_id, event.version, event.verified_at)
