"""Revoke, suspend and reinstate: one shape, three verbs."""

from datetime import datetime
from uuid import UUID

from services.issuer.domain.addresses import Addresses
from services.issuer.domain.credential import CHANGES, Action, Credential, Position, Purpose
from services.issuer.store import credentials, status_lists
from shared.events.catalogue.credential import (
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    StatusEntry,
)
from shared.outbox import outbox
from shared.postgres.database import Transaction

StatusEvent = CredentialRevoked | CredentialSuspended | CredentialReinstated
_EVENTS: dict[Action, type[StatusEvent]] = {
    "revoke": CredentialRevoked,
    "suspend": CredentialSuspended,
    "reinstate": CredentialReinstated,
}
PURPOSES: dict[Action, Purpose] = {"revoke": "revocation", "suspend": "suspension", "reinstate": "suspension"}


async def change_status(
    tx: Transaction, credential_id: UUID, action: Action, reason: str, *, addresses: Addresses, now: datetime
) -> Credential:
    """Change the credential, its status list bit and announce it, all or nothing. Raises Unknown, WrongState."""
    credential = await credentials.lock(tx, credential_id)
    change = CHANGES[action](credential, reason, now)
    await credentials.save_change(tx, change)
    await status_lists.set_bit(tx, change.position, change.bit, now)
    await outbox.append(tx, status_event(change.credential, action, reason, now, addresses), at=now)
    return change.credential


def status_event(
    credential: Credential, action: Action, reason: str, at: datetime, addresses: Addresses
) -> StatusEvent:
    """The event of the change that brought `credential` to its version."""
    purpose = PURPOSES[action]
    position = credential.revocation if purpose == "revocation" else credential.suspension
    return _EVENTS[action](
        version=credential.version,
        credential_id=credential.id,
        institution_id=credential.institution_id,
        achievement_id=credential.achievement_id,
        status_entry=status_entry(purpose, position, addresses),
        reason=reason,
        changed_at=at,
    )


def status_entry(purpose: Purpose, position: Position, addresses: Addresses) -> StatusEntry:
    """A position as events name it."""
    return StatusEntry(
        purpose=purpose, status_list_credential=addresses.status_list(position.list_id), index=position.index
    )
