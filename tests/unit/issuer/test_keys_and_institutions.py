"""Signing keys, institutions and how learners are named."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.issuer.domain import institution as institutions
from services.issuer.domain import signing_key as keys
from services.issuer.domain.errors import InstitutionIsSuspended, Invalid, WrongState
from services.issuer.domain.institution import Institution, Profile
from services.issuer.domain.recipient import Recipient, subject_of
from services.issuer.domain.signing_key import SigningKey
from shared.credentials.sealing import Sealed

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = SigningKey(UUID(int=1), UUID(int=2), 1, "Ed25519", "did:web:x", "z6Mk", Sealed(b"", "k"), "active", NOW, 2)
INSTITUTION = Institution(
    UUID(int=2), "x", "did:web:x", Profile("X", "https://x.example", "a@x.example", None), "active", None, 2, NOW, NOW
)


def test_a_key_is_named_by_the_did_and_its_number() -> None:
    assert KEY.verification_method == "did:web:x#key-1"


def test_only_the_active_key_retires() -> None:
    retired = keys.retire(KEY, NOW + DAY, 3)

    assert (retired.state, retired.retired_at, retired.retired_version) == ("retired", NOW + DAY, 3)
    with pytest.raises(WrongState):
        keys.retire(retired, NOW + DAY, 4)


def test_a_key_is_compromised_at_the_earliest_from_its_activation_on() -> None:
    early = keys.compromise(KEY, NOW - DAY, "lost", NOW + DAY, 3)

    assert early.compromised_at == NOW
    with pytest.raises(WrongState):
        keys.compromise(early, NOW, "lost", NOW + DAY, 4)


def test_a_key_cannot_be_compromised_in_the_future() -> None:
    with pytest.raises(Invalid) as refused:
        keys.compromise(KEY, NOW + 2 * DAY, "lost", NOW + DAY, 3)

    assert refused.value.faults[0].pointer == "#/compromised_at"


def test_a_retired_key_can_turn_out_to_be_compromised() -> None:
    retired = keys.retire(KEY, NOW + DAY, 3)
    compromised = keys.compromise(retired, NOW, "found", NOW + 2 * DAY, 4)

    assert (compromised.state, compromised.retired_at) == ("compromised", NOW + DAY)


def test_a_suspended_institution_does_not_issue_and_is_suspended_once() -> None:
    suspended = institutions.suspend(INSTITUTION, "unpaid", NOW + DAY)

    assert suspended.version == 3
    institutions.require_active(INSTITUTION)
    with pytest.raises(InstitutionIsSuspended):
        institutions.require_active(suspended)
    with pytest.raises(WrongState):
        institutions.suspend(suspended, "again", NOW + DAY)


def test_the_issuer_profile_keeps_the_registrars_address_to_itself() -> None:
    with_image = replace(INSTITUTION, profile=replace(INSTITUTION.profile, image="https://x.example/logo.png"))

    assert "a@x.example" not in str(with_image.issuer_profile())
    assert with_image.issuer_profile()["image"] == {"id": "https://x.example/logo.png", "type": "Image"}
    assert "image" not in INSTITUTION.issuer_profile()


def test_an_email_recipient_is_named_by_a_salted_hash_that_differs_each_time() -> None:
    recipient = Recipient.of(email=" Ada@Example.ORG ", did=None, name="Ada")
    first, second = subject_of(recipient), subject_of(recipient)
    email, name = first.properties["identifier"]

    assert email["identityHash"] == "sha256$" + hashlib.sha256(f"ada@example.org{email['salt']}".encode()).hexdigest()
    assert (email["identityType"], name["identityType"]) == ("emailAddress", "name")
    assert not any(shown in str(first.properties) for shown in ("Ada", "example.org"))
    assert first.recipient_id == email["identityHash"]
    assert first.recipient_id != second.recipient_id


def test_a_did_recipient_is_the_subject_itself() -> None:
    subject = subject_of(Recipient.of(email=None, did="did:key:z6Mk"))

    assert (subject.properties, subject.recipient_id) == ({"id": "did:key:z6Mk"}, "did:key:z6Mk")
