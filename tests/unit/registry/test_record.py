"""How the events of a credential's life change its record and the counts."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.registry.domain.counts import Counts
from services.registry.domain.record import Difference, Status, StatusEvent, difference, status_after
from shared.events.catalogue import CredentialReinstated, CredentialRevoked, CredentialSuspended
from shared.events.catalogue.credential import StatusEntry


@pytest.mark.parametrize(
    ("kind", "status"),
    [(CredentialRevoked, "revoked"), (CredentialSuspended, "suspended"), (CredentialReinstated, "active")],
)
def test_each_event_decides_the_status_alone(kind: type[StatusEvent], status: Status) -> None:
    event = kind(
        version=2,
        credential_id=uuid4(),
        institution_id=uuid4(),
        status_entry=StatusEntry(purpose="revocation", status_list_credential="https://i.example/l", index=1),
        reason="because",
        changed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert status_after(event) == status


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, "active", Difference(issued=1)),
        ("active", "active", Difference()),
        ("active", "suspended", Difference(suspended=1)),
        ("active", "revoked", Difference(revoked=1)),
        ("suspended", "revoked", Difference(suspended=-1, revoked=1)),
        ("suspended", "active", Difference(suspended=-1)),
        ("revoked", "active", Difference(revoked=-1)),
        ("revoked", "revoked", Difference()),
    ],
)
def test_a_step_is_counted_once(before: Status | None, after: Status, expected: Difference) -> None:
    assert difference(before, after) == expected


def test_active_is_what_is_neither_revoked_nor_suspended() -> None:
    assert Counts(issued=10, revoked=3, suspended=2, verified=7).active == 5
