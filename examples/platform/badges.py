"""What becomes of a badge when a message arrives. No I/O: the rules of the platform are all here."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

NEVER = datetime.min.replace(tzinfo=UTC)
ENDS = {"credential.revoked": "revoked", "credential.expired": "expired"}
CHANGES = {"credential.suspended": "suspended", "credential.reinstated": "active"}
EVENTS = ("credential.shared", "credential.unshared", *ENDS, *CHANGES)


@dataclass(frozen=True, slots=True)
class Badge:
    """One share. `entry` is what to show: None before it came, and again once there is nothing to show any more.

    `member` is whose profile it belongs on: None while that is not known, "" when it is nobody's here.
    """

    share_id: str
    credential_id: str
    entry: dict[str, Any] | None = None
    status: str = "active"
    changed_at: datetime = NEVER
    withdrawn: bool = False
    confirmed: bool = False
    member: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether it is never to be shown again."""
        return self.withdrawn or self.status in ENDS.values()

    @property
    def owes_confirmation(self) -> bool:
        """Whether Laurel waits to be told of the removal. An expiry needs none: the learner's consent stands."""
        return (self.withdrawn or self.status == "revoked") and not self.confirmed


def after(badge: Badge, kind: str, at: datetime, data: Mapping[str, Any]) -> Badge:
    """The badge after a message, which may come twice and in any order: what ends a badge has the last word."""
    if kind == "credential.shared" and not badge.is_over:
        return replace(badge, entry=data["entry"])
    if kind == "credential.unshared":
        return replace(badge, withdrawn=True, entry=None)
    if kind in ENDS and badge.status != "revoked":
        return replace(badge, status=ENDS[kind], entry=None)
    if kind in CHANGES and not badge.is_over and at > badge.changed_at:
        return replace(badge, status=CHANGES[kind], changed_at=at)
    return badge


def owner(document: Mapping[str, Any], members: Mapping[str, str]) -> str:
    """Whose credential it is: the member whose address has the salted hash in it (Open Badges 3.0, IdentityObject)."""
    subject = document.get("credentialSubject", {})
    for identifier in subject.get("identifier", ()):
        if identifier.get("identityType") != "emailAddress" or not identifier.get("hashed"):
            continue
        for name, email in members.items():
            digest = hashlib.sha256((email + identifier.get("salt", "")).encode()).hexdigest()
            if identifier.get("identityHash") == f"sha256${digest}":
                return name
    return ""
