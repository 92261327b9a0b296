"""Tell of credentials whose last moment has passed, each once."""

from datetime import datetime

from services.issuer.domain.credential import Credential
from services.issuer.store import credentials
from shared.events.catalogue.credential import CredentialExpired
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def expire_credentials(tx: Transaction, limit: int, *, now: datetime) -> int:
    """Mark up to `limit` credentials expired and announce each (credential.expired); gives how many.

    One that was revoked before is left alone. Several processes may do this at once: none takes another's.
    """
    expired = await credentials.expire(tx, now, limit)
    await outbox.append_all(tx, [(expired_event(credential), now, None) for credential in expired])
    return len(expired)


def expired_event(credential: Credential) -> CredentialExpired:
    """The event of a credential that has expired, whatever became of it later."""
    assert credential.expired_version is not None
    assert credential.valid_until is not None
    return CredentialExpired(
        version=credential.expired_version,
        credential_id=credential.id,
        institution_id=credential.institution_id,
        achievement_id=credential.achievement_id,
        expired_at=credential.valid_until,
    )
