"""Tell the platforms that show a credential when it is revoked, suspended, reinstated or expired."""

from datetime import datetime

from services.registry.domain.record import StatusEvent
from services.registry.domain.share import Share, ShareChange
from services.registry.store import claims, shares
from shared.events.catalogue import CredentialExpired, ShareChanged
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def follow_standing(tx: Transaction, event: StatusEvent | CredentialExpired) -> None:
    """Write how the credential stands and announce it for each live share (share.changed).

    Without effect for one that nobody can claim, for an event told again, as in a rebuild, and for one that changes
    nothing to see: the end of a suspension of what has expired.
    """
    claim = await claims.lock(tx, event.credential_id)
    if claim is None or event.version <= claim.status_version:
        return
    after = claim.standing.after(event)
    await claims.save_standing(tx, event.credential_id, after, event.version)
    if after.shown == claim.standing.shown:
        return
    for share in await shares.set_status(tx, event.credential_id, after.shown):
        version = await claims.next_version(tx, event.credential_id)
        change = ShareChange(event.credential_id, version, share.share_id, after.shown, _moment(event))
        await shares.add_change(tx, change)
        await outbox.append(tx, changed_event(share, change))


def changed_event(share: Share, change: ShareChange) -> ShareChanged:
    """What the platform of a share is told of a change, the first time and again in a replay."""
    return ShareChanged(
        version=change.version,
        share_id=share.share_id,
        credential_id=share.credential_id,
        institution_id=share.institution_id,
        achievement_id=share.achievement_id,
        platform_id=share.platform_id,
        status=change.status,
        changed_at=change.changed_at,
    )


def _moment(event: StatusEvent | CredentialExpired) -> datetime:
    return event.expired_at if isinstance(event, CredentialExpired) else event.changed_at
