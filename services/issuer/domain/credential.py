"""One credential's life: active, suspended and back, revoked for ever."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.issuer.domain.errors import WrongState

Status = Literal["active", "suspended", "revoked"]
ShownStatus = Literal["active", "suspended", "revoked", "expired"]
Action = Literal["revoke", "suspend", "reinstate"]
Purpose = Literal["revocation", "suspension"]
ListPurpose = Literal["revocation", "suspension", "message"]


@dataclass(frozen=True, slots=True)
class Position:
    """Where one status list says something about one credential."""

    list_id: UUID
    index: int


@dataclass(frozen=True, slots=True)
class Credential:
    """The record of a signed document; `version` grows with each of its events.

    `expired_version` is that of its expiry; None until that was told.
    """

    id: UUID
    institution_id: UUID
    achievement_id: UUID
    revision: int
    status: Status
    version: int
    recipient_kind: Literal["email", "did"]
    recipient_id: str
    revocation: Position
    suspension: Position
    valid_until: datetime | None
    issued_at: datetime
    changed_at: datetime
    reason: str | None
    expired_version: int | None

    @property
    def shown_status(self) -> ShownStatus:
        """What counts most for whoever looks: revoked, else expired, else the status."""
        return "expired" if self.expired_version is not None and self.status != "revoked" else self.status


@dataclass(frozen=True, slots=True)
class StatusChange:
    """What a verb did: the credential after it, and the status list bit that says so."""

    credential: Credential
    action: Action
    purpose: Purpose
    position: Position
    bit: bool
    reason: str


def revoke(credential: Credential, reason: str, now: datetime) -> StatusChange:
    """Void for ever. A suspended credential can be revoked too. Raises WrongState when it was revoked before."""
    if credential.status == "revoked":
        raise WrongState("The credential was revoked before; revocation is final.")
    after = _changed(credential, "revoked", reason, now)
    return StatusChange(after, "revoke", "revocation", credential.revocation, True, reason)


def suspend(credential: Credential, reason: str, now: datetime) -> StatusChange:
    """Void until reinstated. Raises WrongState unless the credential is active."""
    if credential.shown_status != "active":
        raise WrongState(f"The credential is {credential.shown_status}; only an active one can be suspended.")
    after = _changed(credential, "suspended", reason, now)
    return StatusChange(after, "suspend", "suspension", credential.suspension, True, reason)


def reinstate(credential: Credential, reason: str, now: datetime) -> StatusChange:
    """The end of a suspension. Raises WrongState unless the credential is suspended; a revoked one never comes back."""
    if credential.status != "suspended":
        raise WrongState(f"The credential is {credential.status}; only a suspended one can be reinstated.")
    after = _changed(credential, "active", reason, now)
    return StatusChange(after, "reinstate", "suspension", credential.suspension, False, reason)


CHANGES = {"revoke": revoke, "suspend": suspend, "reinstate": reinstate}


def _changed(credential: Credential, status: Status, reason: str, now: datetime) -> Credential:
    return replace(credential, status=status, version=credential.version + 1, reason=reason, changed_at=now)
