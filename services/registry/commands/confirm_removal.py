"""A platform's word that it shows a credential no more."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.registry.domain.share import NeverShared, Share, StillShared, may_confirm
from services.registry.store import shares
from shared.postgres.database import Transaction


async def confirm_removal(tx: Transaction, share_id: UUID, *, now: datetime) -> Share:
    """Note the removal, once. `tx` sees the platform's own shares. Raises NeverShared, StillShared."""
    share = await shares.lock(tx, share_id)
    if share is None:
        raise NeverShared
    if share.state == "removed":
        return share
    if not may_confirm(share):
        raise StillShared
    await shares.confirm_removed(tx, share_id, now)
    return replace(share, state="removed", removed_at=now)
