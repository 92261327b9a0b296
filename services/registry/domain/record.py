"""A credential on the public record, and how the events of its life change it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.events.catalogue import CredentialReinstated, CredentialRevoked, CredentialSuspended

Status = Literal["active", "suspended", "revoked"]
StatusEvent = CredentialRevoked | CredentialSuspended | CredentialReinstated

_STATUS_AFTER: dict[type[StatusEvent], Status] = {
    CredentialRevoked: "revoked",
    CredentialSuspended: "suspended",
    CredentialReinstated: "active",
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A credential as it is first recorded: `document` is the JSON to be served, byte for byte."""

    credential_id: UUID
    institution_id: UUID
    achievement_id: UUID
    issuer: str
    document: bytes
    document_sha256: bytes
    version: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """What the public may know of a credential besides its document."""

    credential_id: UUID
    institution_id: UUID
    achievement_id: UUID
    issuer: str
    status: Status
    document_sha256: bytes
    issued_at: datetime
    registered_at: datetime
    changed_at: datetime
    verified: int


@dataclass(frozen=True, slots=True)
class Difference:
    """What one event changes in the counts of its achievement."""

    issued: int = 0
    revoked: int = 0
    suspended: int = 0
    verified: int = 0


def status_after(event: StatusEvent) -> Status:
    """The status an event leaves behind. Each event decides alone: nothing follows a revocation."""
    return _STATUS_AFTER[type(event)]


def difference(before: Status | None, after: Status) -> Difference:
    """What the step from one status to another changes in the counts; from None when the credential is new."""
    return Difference(
        issued=int(before is None),
        revoked=(after == "revoked") - (before == "revoked"),
        suspended=(after == "suspended") - (before == "suspended"),
    )
