"""Platforms where learners show credentials. Keyed by platform."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from shared.events.envelope import Event

_TOPIC = "issuer.events"


class _Platform(Event):
    platform_id: UUID
    slug: str
    name: str
    url: str
    email: str | None = Field(None, description="Where the platform is written to about its endpoints.")


class PlatformRegistered(_Platform, type="org.laurel.platform.registered.v1", topic=_TOPIC, key="platform_id"):
    """Learners may now share credentials with the platform."""

    registered_at: datetime


class PlatformUpdated(_Platform, type="org.laurel.platform.updated.v1", topic=_TOPIC, key="platform_id"):
    """The platform's profile changed; carries the whole new profile."""

    updated_at: datetime


class PlatformSuspended(Event, type="org.laurel.platform.suspended.v1", topic=_TOPIC, key="platform_id"):
    """The operator shut the platform out: nothing new is shared with it, and it is told to remove what was."""

    platform_id: UUID
    reason: str
    suspended_at: datetime
