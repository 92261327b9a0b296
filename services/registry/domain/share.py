"""A learner's consent that a platform shows a credential, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.registry.domain.record import Status, StatusEvent, status_after
from shared.events.catalogue import CredentialExpired

ShareState = Literal["shared", "withdrawn", "removed"]
ShownStatus = Literal["active", "suspended", "revoked", "expired"]
Withdrawer = Literal["learner", "operator"]
SHARES_A_DAY = 20  # of one credential on one platform: each is a message to the platform
CONSENT_VERSION = "1"  # of the terms, which are the same in every language


class NotShareable(Exception):
    """The credential is in a state in which no platform should begin to show it. `str()` says which."""


class UnknownPlatform(Exception):
    """There is no such platform."""


class PlatformIsSuspended(Exception):
    """The operator shut the platform out."""


class TooManyShares(Exception):
    """The credential was shared with the platform too often today."""


class NeverShared(Exception):
    """There is no such share, or it is another platform's."""


class StillShared(Exception):
    """The learner wants the credential shown, and it is not revoked: there is no removal to confirm."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the issuer's events say of a credential."""

    status: Status
    is_expired: bool

    @property
    def shown(self) -> ShownStatus:
        """What counts most for whoever looks: revoked, else expired, else the status."""
        return "expired" if self.is_expired and self.status != "revoked" else self.status

    def after(self, event: StatusEvent | CredentialExpired) -> "Standing":
        """The standing that an event leaves behind."""
        if isinstance(event, CredentialExpired):
            return Standing(self.status, True)
        return Standing(status_after(event), self.is_expired)


@dataclass(frozen=True, slots=True)
class Platform:
    """Where a credential can be shown."""

    id: UUID
    slug: str
    name: str
    url: str
    state: Literal["active", "suspended"]


@dataclass(frozen=True, slots=True)
class Share:
    """One consent. `removed_at` is when the platform confirmed that it shows the credential no more.

    `achievement_id` is None where a release that did not keep it made the share. The versions are those of the events
    by which it was told, credential.shared and credential.unshared.
    """

    share_id: UUID
    credential_id: UUID
    institution_id: UUID
    achievement_id: UUID | None
    platform_id: UUID
    state: ShareState
    status: ShownStatus
    consent_version: str
    consent: str
    shared_at: datetime
    shared_version: int
    withdrawn_at: datetime | None
    withdrawn_by: Withdrawer | None
    withdrawn_version: int | None
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShareChange:
    """What the platform of a share was told, by the event of that version, of the credential's status."""

    credential_id: UUID
    version: int
    share_id: UUID
    status: ShownStatus
    changed_at: datetime


def require_shareable(standing: Standing) -> None:
    """Raises NotShareable for a revoked or suspended credential; an expired one was earned all the same."""
    if standing.shown in ("revoked", "suspended"):
        raise NotShareable(standing.shown)


def may_confirm(share: Share) -> bool:
    """Whether the platform can have removed what was shared: the learner withdrew it, or it was revoked."""
    return share.state == "withdrawn" or (share.state == "shared" and share.status == "revoked")
