"""Shut a platform out."""

from datetime import datetime
from uuid import UUID

from services.issuer.domain import platform as rules
from services.issuer.domain.platform import Platform
from services.issuer.store import platforms
from shared.events.catalogue import PlatformSuspended
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def suspend_platform(tx: Transaction, platform_id: UUID, reason: str, *, now: datetime) -> Platform:
    """Nothing new is shared with it once this is heard of, and what was is taken back. Raises Unknown, WrongState."""
    suspended = rules.suspend(await platforms.lock(tx, platform_id), reason, now)
    await platforms.save_suspension(tx, suspended)
    await outbox.append(tx, suspended_event(suspended), at=now)
    return suspended


def suspended_event(platform: Platform) -> PlatformSuspended:
    """`platform` as it is after the suspension."""
    return PlatformSuspended(
        version=platform.version,
        platform_id=platform.id,
        reason=platform.suspended_reason or "",
        suspended_at=platform.updated_at,
    )
