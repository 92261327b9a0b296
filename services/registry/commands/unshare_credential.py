"""Take a credential back from a platform: the learner's wish, or the operator's who shut the platform out."""

from datetime import datetime
from uuid import UUID

from services.registry.domain.share import NeverShared, Share, Withdrawer
from services.registry.store import claims, shares
from shared.events.catalogue import CredentialUnshared
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def unshare_credential(tx: Transaction, credential_id: UUID, platform_id: UUID, *, now: datetime) -> Share:
    """End the learner's consent, if it lives, and tell the platform (credential.unshared); gives the last consent.

    It does not matter what became of credential and platform. Raises NeverShared.
    """
    await claims.lock(tx, credential_id)
    latest = await shares.latest(tx, credential_id, platform_id)
    if latest is None:
        raise NeverShared
    return await _withdraw(tx, latest.share_id, credential_id, "learner", now) or latest


async def withdraw_shares(tx: Transaction, limit: int, *, now: datetime) -> int:
    """Take back up to `limit` of the credentials that are shared with suspended platforms; gives how many."""
    held = await shares.hold_of_suspended(tx, limit)
    for share_id, credential_id in held:
        await _withdraw(tx, share_id, credential_id, "operator", now)
    return len(held)


async def _withdraw(
    tx: Transaction, share_id: UUID, credential_id: UUID, by: Withdrawer, now: datetime
) -> Share | None:
    share = await shares.lock(tx, share_id)
    if share is None or share.state != "shared":
        return None
    withdrawn = await shares.withdraw(tx, share_id, by, await claims.next_version(tx, credential_id), now)
    await outbox.append(tx, unshared_event(withdrawn), at=now)
    return withdrawn


def unshared_event(share: Share) -> CredentialUnshared:
    """What the platform is told of the end of a consent, the first time and again in a replay."""
    assert share.withdrawn_version is not None
    assert share.withdrawn_at is not None
    return CredentialUnshared(
        version=share.withdrawn_version,
        share_id=share.share_id,
        credential_id=share.credential_id,
        institution_id=share.institution_id,
        achievement_id=share.achievement_id,
        platform_id=share.platform_id,
        unshared_at=share.withdrawn_at,
    )
