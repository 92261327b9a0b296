"""When a credential may be shared, how it stands, and when its removal can be confirmed."""

from typing import Any
from uuid import uuid4

import pytest

from services.registry.domain.share import (
    NotShareable,
    Share,
    Standing,
    may_confirm,
    require_shareable,
)
from shared.events.catalogue import CredentialExpired, CredentialReinstated, CredentialRevoked, CredentialSuspended
from tests.integration.registry_events import AT, changed

ID = uuid4()
SUSPENDED, REINSTATED, REVOKED = (
    changed(kind, ID, 2) for kind in (CredentialSuspended, CredentialReinstated, CredentialRevoked)
)
EXPIRED = CredentialExpired(version=2, credential_id=ID, institution_id=ID, expired_at=AT)


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        ([], "active"),
        ([SUSPENDED], "suspended"),
        ([SUSPENDED, REINSTATED], "active"),
        ([EXPIRED], "expired"),
        ([SUSPENDED, EXPIRED], "expired"),
        ([SUSPENDED, EXPIRED, REINSTATED], "expired"),
        ([EXPIRED, REVOKED], "revoked"),
    ],
)
def test_what_counts_most_is_what_is_shown(events: list[Any], shown: str) -> None:
    standing = Standing("active", False)
    for event in events:
        standing = standing.after(event)
    assert standing.shown == shown


def test_what_is_revoked_or_suspended_is_not_shared_anew() -> None:
    for status in ("revoked", "suspended"):
        with pytest.raises(NotShareable, match=status):
            require_shareable(Standing(status, False))
    require_shareable(Standing("active", False))
    require_shareable(Standing("active", True))


def share(state: str, status: str) -> Share:
    fields: dict[str, Any] = dict.fromkeys(Share.__dataclass_fields__)
    return Share(**{**fields, "state": state, "status": status})


@pytest.mark.parametrize(
    ("state", "status", "may"),
    [
        ("shared", "active", False),
        ("shared", "suspended", False),
        ("shared", "expired", False),
        ("shared", "revoked", True),
        ("withdrawn", "active", True),
        ("withdrawn", "revoked", True),
    ],
)
def test_a_removal_can_be_confirmed_once_it_is_wanted(state: str, status: str, may: bool) -> None:
    assert may_confirm(share(state, status)) is may
