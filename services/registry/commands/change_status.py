"""Follow a revocation, a suspension or a reinstatement."""

from services.registry.domain.record import StatusEvent, status_after
from services.registry.store import records
from shared.postgres.database import Transaction


class UnknownCredential(Exception):
    """The event is about a credential that was never recorded, though its issuing comes first in its key's order."""


async def change_status(tx: Transaction, event: StatusEvent) -> bool:
    """Give the record the status the event leaves behind. Raises UnknownCredential.

    False when the record has that version of the credential, or a later one, and so stays as it is.
    """
    before = await records.lock(tx, event.credential_id)
    if before is None:
        raise UnknownCredential(f"credential {event.credential_id} is not on the record")
    if before.version >= event.version and not before.is_stale:
        return False
    await records.change_status(tx, event.credential_id, before, status_after(event), event.version, event.changed_at)
    return True
