"""Keep whom a credential was issued to, under the notifier's own key."""

from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.notifier.domain.mailbox import Recipient, UnusableAddress
from services.notifier.store import addressees
from services.notifier.store.addressees import Issued
from shared.credentials.sealing import CannotUnseal, Sealer
from shared.events.catalogue import CredentialIssued
from shared.events.catalogue.credential import Sealed
from shared.events.sealed_text import unseal_text
from shared.postgres.database import Transaction

log = structlog.get_logger()


async def remember_learner(tx: Transaction, event: CredentialIssued, *, recipients: Sealer, sealer: Sealer) -> None:
    """Store the address of `event`; one without an address is nobody to write to, and takes no row.

    `recipients` opens the event's seal, `sealer` seals the row. An address that cannot be read is kept as none: a key
    that is missing must not hold up everything else about a credential.
    """
    if event.recipient is None:
        return
    recipient = _recipient(event.recipient, event.credential_id, recipients)
    mailbox = recipient.mailbox if recipient else None
    await addressees.remember(
        tx,
        Issued(
            credential_id=event.credential_id,
            institution_id=event.institution_id,
            address=sealer.seal(recipient.stored(), addressees.TABLE, event.credential_id) if recipient else None,
            index=sealer.blind_indexes(mailbox.searchable)[0] if mailbox else None,
            language=recipient.language if recipient else None,
            title=_title(event.document),
            issued_at=event.issued_at,
            valid_until=_valid_until(event.document),
            version=event.version,
        ),
    )


def _recipient(sealed: Sealed, credential_id: UUID, recipients: Sealer) -> Recipient | None:
    try:
        return Recipient.from_letter(unseal_text(recipients, sealed, "recipient", credential_id))
    except (CannotUnseal, UnusableAddress) as error:
        log.error("recipient.unusable", credential_id=str(credential_id), error=str(error))
        return None


def _title(document: dict[str, Any]) -> str:
    """The achievement's name (Open Badges 3.0, Achievement); a credential of another kind may have none."""
    subject = document.get("credentialSubject")
    achievement = subject.get("achievement") if isinstance(subject, dict) else None
    name = achievement.get("name") if isinstance(achievement, dict) else None
    return name if isinstance(name, str) and name else "–"


def _valid_until(document: dict[str, Any]) -> datetime | None:
    """`validUntil` of the data model 2.0, or `expirationDate` of 1.1; None for none, or one that is no date."""
    text = document.get("validUntil") or document.get("expirationDate")
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
