"""A platform: where learners show their credentials. A tenant of its own, with clients but nothing to issue."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.issuer.domain.errors import WrongState

PlatformState = Literal["active", "suspended"]


@dataclass(frozen=True, slots=True)
class Platform:
    """`version` grows with each of its events; `email` is None for those admitted before it was asked for."""

    id: UUID
    slug: str
    name: str
    url: str
    email: str | None
    state: PlatformState
    suspended_reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime


def update(platform: Platform, *, name: str, url: str, email: str | None, now: datetime) -> Platform:
    """The platform with another profile."""
    return replace(platform, name=name, url=url, email=email, version=platform.version + 1, updated_at=now)


def suspend(platform: Platform, reason: str, now: datetime) -> Platform:
    """The platform, shut out for good; it keeps its clients, by which it confirms what it removes. Raises WrongState
    when it is suspended already."""
    if platform.state == "suspended":
        raise WrongState("The platform is suspended already.")
    return replace(platform, state="suspended", suspended_reason=reason, version=platform.version + 1, updated_at=now)
