"""Change a platform's profile."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from services.issuer.domain import platform as rules
from services.issuer.domain.errors import Stale
from services.issuer.domain.platform import Platform
from services.issuer.store import platforms
from shared.events.catalogue import PlatformUpdated
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def update_platform(
    tx: Transaction, platform_id: UUID, changes: Mapping[str, str], expected: int, *, now: datetime
) -> Platform:
    """Replace `name`, `url` and `email` where given and announce the whole profile. Raises Unknown, Stale."""
    platform = await platforms.lock(tx, platform_id)
    if platform.version != expected:
        raise Stale(f"The platform is at version {platform.version}.")
    name, url = changes.get("name", platform.name), changes.get("url", platform.url)
    email = changes.get("email", platform.email)
    updated = rules.update(platform, name=name, url=url, email=email, now=now)
    await platforms.save(tx, updated)
    await outbox.append(tx, updated_event(updated), at=now)
    return updated


def updated_event(platform: Platform) -> PlatformUpdated:
    """`platform` as it is after the update."""
    return PlatformUpdated(
        version=platform.version,
        platform_id=platform.id,
        slug=platform.slug,
        name=platform.name,
        url=platform.url,
        email=platform.email,
        updated_at=platform.updated_at,
    )
