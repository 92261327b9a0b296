"""The states of a credential and the verbs between them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.issuer.domain import credential as rules
from services.issuer.domain.credential import Credential, Position
from services.issuer.domain.errors import WrongState

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
ACTIVE = Credential(
    id=UUID(int=1),
    institution_id=UUID(int=2),
    achievement_id=UUID(int=3),
    revision=1,
    status="active",
    version=1,
    recipient_kind="email",
    recipient_id="sha256$00",
    revocation=Position(UUID(int=4), 17),
    suspension=Position(UUID(int=5), 18),
    valid_until=None,
    issued_at=NOW,
    changed_at=NOW,
    reason=None,
    expired_version=None,
)


def test_revoking_sets_the_revocation_bit_and_counts_a_version() -> None:
    change = rules.revoke(ACTIVE, "issued in error", LATER)

    assert (change.purpose, change.position, change.bit) == ("revocation", ACTIVE.revocation, True)
    assert change.credential == replace(ACTIVE, status="revoked", version=2, reason="issued in error", changed_at=LATER)


def test_suspending_and_reinstating_turn_the_suspension_bit_on_and_off() -> None:
    suspended = rules.suspend(ACTIVE, "under review", NOW)
    reinstated = rules.reinstate(suspended.credential, "cleared", LATER)

    assert (suspended.position, suspended.bit) == (ACTIVE.suspension, True)
    assert (reinstated.position, reinstated.bit) == (ACTIVE.suspension, False)
    assert (reinstated.credential.status, reinstated.credential.version) == ("active", 3)


def test_a_suspended_credential_can_be_revoked() -> None:
    suspended = rules.suspend(ACTIVE, "under review", NOW).credential

    assert rules.revoke(suspended, "confirmed", LATER).credential.status == "revoked"


@pytest.mark.parametrize(
    ("status", "verb"),
    [
        ("revoked", rules.revoke),
        ("revoked", rules.suspend),
        ("revoked", rules.reinstate),
        ("suspended", rules.suspend),
        ("active", rules.reinstate),
    ],
)
def test_verbs_that_do_not_fit_the_state_are_refused(status: rules.Status, verb: object) -> None:
    assert callable(verb)
    with pytest.raises(WrongState):
        verb(replace(ACTIVE, status=status), "a reason", LATER)


@pytest.mark.parametrize(
    ("status", "expired_version", "shown"),
    [
        ("active", None, "active"),
        ("suspended", None, "suspended"),
        ("revoked", None, "revoked"),
        ("active", 2, "expired"),
        ("suspended", 3, "expired"),
        ("revoked", 2, "revoked"),
    ],
)
def test_what_is_shown_is_what_counts_most(status: rules.Status, expired_version: int | None, shown: str) -> None:
    assert replace(ACTIVE, status=status, expired_version=expired_version).shown_status == shown


def test_an_expired_credential_can_be_revoked_and_not_suspended() -> None:
    expired = replace(ACTIVE, version=2, expired_version=2)
    assert rules.revoke(expired, "forged", LATER).credential.shown_status == "revoked"
    with pytest.raises(WrongState, match="expired"):
        rules.suspend(expired, "under review", LATER)
