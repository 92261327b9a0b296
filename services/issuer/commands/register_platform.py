"""Admit a platform: it gets a client, and learners may share credentials with it."""

from dataclasses import dataclass
from datetime import datetime

from services.issuer.commands.create_client import NewClient, create_client
from services.issuer.domain.platform import Platform
from services.issuer.domain.scopes import PLATFORM_SCOPES
from services.issuer.store import platforms
from shared.events.catalogue import PlatformRegistered
from shared.events.ids import new_id
from shared.outbox import outbox
from shared.postgres.database import Transaction


@dataclass(frozen=True, slots=True)
class Admitted:
    """The platform and its first client, whose secret is shown this once."""

    platform: Platform
    client: NewClient


async def register_platform(tx: Transaction, slug: str, name: str, url: str, email: str, *, now: datetime) -> Admitted:
    """Write the platform, announce it (platform.registered) and make its first client. Raises SlugTaken."""
    platform = Platform(
        id=new_id(),
        slug=slug,
        name=name,
        url=url,
        email=email,
        state="active",
        suspended_reason=None,
        version=1,
        created_at=now,
        updated_at=now,
    )
    await platforms.add(tx, platform)
    await outbox.append(tx, registered_event(platform), at=now)
    client = await create_client(tx, platform.id, "first client", PLATFORM_SCOPES, now=now)
    return Admitted(platform, client)


def registered_event(platform: Platform) -> PlatformRegistered:
    """`platform` as it was at its first version."""
    return PlatformRegistered(
        version=platform.version,
        platform_id=platform.id,
        slug=platform.slug,
        name=platform.name,
        url=platform.url,
        email=platform.email,
        registered_at=platform.updated_at,
    )
