"""What a learner does with a credential: claims it, shows it on a platform, takes it down; and that they are to be
forgotten. Keyed by credential.

Only the platform that a credential is shared with hears of the sharing; the institution does not.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.events.catalogue.credential import Sealed
from shared.events.envelope import Event

_TOPIC = "registry.events"


class ClaimOffered(Event, type="org.laurel.claim.offered.v1", topic=_TOPIC, key="credential_id"):
    """A one-time link exists by which the credential's recipient can claim it; whoever writes to learners sends it."""

    credential_id: UUID
    institution_id: UUID
    occasion: Literal["issued", "asked"] = Field(description="The credential is new, or somebody asked for a link.")
    link: Sealed = Field(description="The address of the claim page with the one-time code in its fragment.")
    expires_at: datetime


class CredentialClaimed(Event, type="org.laurel.credential.claimed.v1", topic=_TOPIC, key="credential_id"):
    """The recipient has shown control of the address the credential was issued to. Never says who."""

    credential_id: UUID
    institution_id: UUID
    claimed_at: datetime
    achievement_id: UUID | None = None


class Organization(BaseModel):
    """Who issued a credential, as a profile names it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    url: str
    did: str
    linkedin_organization_id: int | None = None


class Skill(BaseModel):
    """Something a credential is aligned with (Open Badges 3.0, Alignment)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    url: str
    framework: str | None = None


class ProfileEntry(BaseModel):
    """What a profile needs to show a credential; all of it is public, only that it is this learner's is not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    issuing_organization: Organization
    issued_on: datetime
    expires_on: datetime | None = None
    credential_url: str
    image_url: str | None = None
    skills: list[Skill]
    add_to_profile_url: str = Field(description="LinkedIn's Add-to-Profile form, filled in.")


class _Share(Event):
    share_id: UUID = Field(description="One learner's consent for one credential on one platform.")
    credential_id: UUID
    institution_id: UUID
    platform_id: UUID
    achievement_id: UUID | None = None


class CredentialShared(_Share, type="org.laurel.credential.shared.v1", topic=_TOPIC, key="credential_id"):
    """The learner wants the credential shown on a platform."""

    entry: ProfileEntry
    shared_at: datetime


class CredentialUnshared(_Share, type="org.laurel.credential.unshared.v1", topic=_TOPIC, key="credential_id"):
    """The learner wants it removed there; the platform has to confirm that it did."""

    unshared_at: datetime


class ShareChanged(_Share, type="org.laurel.share.changed.v1", topic=_TOPIC, key="credential_id"):
    """The status of a credential changed while it is shared. Always after the credential.shared of the share."""

    status: Literal["active", "suspended", "revoked", "expired"]
    changed_at: datetime


class LearnerErased(Event, type="org.laurel.learner.erased.v1", topic="issuer.events", key="credential_id"):
    """Whom the credential was issued to is to be forgotten, with all that was to be sent to them. The credential stays.

    Sent for each credential of a learner, and so after the credential.issued that named them. Never says who.
    """

    credential_id: UUID
    institution_id: UUID
    erased_at: datetime
