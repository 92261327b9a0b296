"""An institution: our tenant, and the profile that its credentials name as issuer."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.issuer.domain.errors import InstitutionIsSuspended, WrongState

InstitutionState = Literal["active", "suspended"]


@dataclass(frozen=True, slots=True)
class Profile:
    """What the public sees of an institution and what the institution itself may change."""

    name: str
    url: str
    email: str | None
    image: str | None
    linkedin_organization_id: int | None = None


@dataclass(frozen=True, slots=True)
class Institution:
    """One tenant. `version` grows with every event of the institution, those of its keys included."""

    id: UUID
    slug: str
    did: str
    profile: Profile
    state: InstitutionState
    suspended_reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime

    def issuer_profile(self) -> dict[str, Any]:
        """The Open Badges 3.0 Profile that stands as `issuer` in credentials. The e-mail address stays out of it."""
        profile: dict[str, Any] = {
            "id": self.did,
            "type": ["Profile"],
            "name": self.profile.name,
            "url": self.profile.url,
        }
        if self.profile.image:
            profile["image"] = {"id": self.profile.image, "type": "Image"}
        return profile


def bump(institution: Institution, now: datetime) -> Institution:
    """The institution after one more of its events."""
    return replace(institution, version=institution.version + 1, updated_at=now)


def update(institution: Institution, profile: Profile, now: datetime) -> Institution:
    """The institution with another profile."""
    return replace(bump(institution, now), profile=profile)


def suspend(institution: Institution, reason: str, now: datetime) -> Institution:
    """The institution, stopped from issuing. Raises WrongState when it is already."""
    if institution.state == "suspended":
        raise WrongState("The institution is suspended already.")
    return replace(bump(institution, now), state="suspended", suspended_reason=reason)


def require_active(institution: Institution) -> None:
    """Raises InstitutionIsSuspended."""
    if institution.state != "active":
        raise InstitutionIsSuspended("The operator has stopped this institution from issuing.")
