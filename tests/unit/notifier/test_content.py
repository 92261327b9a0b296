"""What messages say, and what they never say."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.notifier.domain.content import (
    MAX_FULL_BYTES,
    NAMES,
    SAID,
    SHARED,
    Addresses,
    Unspeakable,
    body_of,
    data_in,
    full_data,
    message_id,
    name_of,
    tenant_of,
)
from services.notifier.domain.examples import example
from shared.events.catalogue import (
    EVENT_TYPES,
    ClaimOffered,
    CredentialIssued,
    CredentialRevoked,
    CredentialShared,
    CredentialVerified,
    KeyRetired,
    LearnerErased,
    MessageExhausted,
    ShareChanged,
)
from shared.events.catalogue.credential import Sealed
from shared.events.catalogue.learner import Organization, ProfileEntry
from shared.events.envelope import Event
from shared.events.ids import new_id

ADDRESSES = Addresses("https://registry.example", "https://verifier.example")
AT = datetime(2026, 3, 1, 13, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
PERSONAL = "learner@example.com"


def made(kind: type[Event]) -> Event:
    """An event of that type with something in each field; personal data wherever text fits."""
    return kind.model_construct(**{name: _value(name, field.annotation) for name, field in kind.model_fields.items()})


def _value(name: str, annotation: Any) -> Any:
    if annotation in (UUID, UUID | None):
        return new_id()
    if annotation is int:
        return 3
    if annotation is datetime:
        return AT
    if name in ("slug", "did", "verification_method", "verdict", "reason"):
        return f"the-{name}"
    return {"email": PERSONAL} if annotation is dict else PERSONAL


@pytest.mark.parametrize("kind", SAID, ids=lambda kind: kind.short_name())
def test_a_body_names_type_time_ids_and_links_and_nobody(kind: type[Event]) -> None:
    event = made(kind)
    raw = body_of(event, AT, ADDRESSES)
    body = orjson.loads(raw)

    assert body.keys() == {"type", "timestamp", "data"}
    assert body["type"] == kind.short_name()
    assert body["timestamp"] == "2026-03-01T12:00:00.250000Z"
    assert body["data"]["institution_id"] == str(event.institution_id)  # type: ignore[attr-defined]
    assert all(link.startswith("https://") for link in body["data"]["links"].values())
    assert PERSONAL.encode() not in raw
    assert len(raw) < 2000


def test_every_event_an_institution_may_hear_of_is_announced() -> None:
    internal = {MessageExhausted, ClaimOffered, LearnerErased}  # a claim's link is for the learner alone
    ours = {kind for kind in EVENT_TYPES if "institution_id" in kind.model_fields} - internal
    assert set(SAID) | set(SHARED) == ours
    assert not set(SAID) & set(SHARED)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("kind", SHARED, ids=lambda kind: kind.short_name())
def test_a_share_is_told_to_its_platform_alone(kind: type[Event]) -> None:
    event = share(kind)
    body = orjson.loads(body_of(event, AT, ADDRESSES))
    assert tenant_of(event) == event.platform_id  # type: ignore[attr-defined]
    assert body["type"] == name_of(event)
    assert body["type"] in NAMES
    assert {"share_id", "credential_id", "institution_id", "platform_id", "links"} <= body["data"].keys()


@pytest.mark.parametrize("kind", [kind for kind in (*SAID, *SHARED) if "credential_id" in kind.model_fields])
def test_whatever_is_about_a_credential_names_its_achievement(kind: type[Event]) -> None:
    event = share(kind) if kind in SHARED else made(kind)
    data = orjson.loads(body_of(event, AT, ADDRESSES))["data"]
    assert data["achievement_id"] == str(event.achievement_id)
    assert data["links"]["achievement"].endswith(data["achievement_id"])


def test_an_institution_hears_of_its_own_events() -> None:
    event = made(CredentialVerified)
    assert tenant_of(event) == event.institution_id  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("status", "name"),
    [
        ("active", "credential.reinstated"),
        ("suspended", "credential.suspended"),
        ("revoked", "credential.revoked"),
        ("expired", "credential.expired"),
    ],
)
def test_a_change_has_the_name_of_what_became_of_the_credential(status: str, name: str) -> None:
    event = share(ShareChanged).model_copy(update={"status": status})
    body = orjson.loads(body_of(event, AT, ADDRESSES))
    assert (body["type"], body["data"]["status"]) == (name, status)


def test_a_platform_gets_all_that_a_profile_needs() -> None:
    entry = orjson.loads(body_of(share(CredentialShared), AT, ADDRESSES))["data"]["entry"]
    assert entry == {
        "name": "Statistics",
        "issuing_organization": {"name": "U", "url": "https://u.example", "did": "did:web:u"},
        "issued_on": "2026-03-01T12:00:00.250000Z",
        "credential_url": "https://registry.example/credentials/1",
        "skills": [],
        "add_to_profile_url": "https://www.linkedin.com/profile/add",
    }


def share(kind: type[Event]) -> Any:
    """An event about a share."""
    entry = ProfileEntry(
        name="Statistics",
        issuing_organization=Organization(name="U", url="https://u.example", did="did:web:u"),
        issued_on=AT.astimezone(UTC),
        credential_url="https://registry.example/credentials/1",
        skills=[],
        add_to_profile_url="https://www.linkedin.com/profile/add",
    )
    own = {CredentialShared: {"entry": entry}, ShareChanged: {"status": "revoked"}}
    return made(kind).model_copy(update=own.get(kind))


def test_the_signed_document_does_not_go_out_but_its_address_does() -> None:
    event = made(CredentialIssued)
    data = orjson.loads(body_of(event, AT, ADDRESSES))["data"]
    assert "document" not in data
    assert data["links"]["credential"] == f"https://registry.example/credentials/{data['credential_id']}"
    assert data["status"] == "active"


def test_a_verification_tells_its_verdict() -> None:
    data = orjson.loads(body_of(made(CredentialVerified), AT, ADDRESSES))["data"]
    assert data["verdict"] == "the-verdict"
    assert "status" not in data


def test_a_change_of_status_names_the_achievement_where_it_is_known() -> None:
    event = example(CredentialRevoked)
    assert "achievement" in orjson.loads(body_of(event, AT, ADDRESSES))["data"]["links"]
    older = event.model_copy(update={"achievement_id": None})
    data = orjson.loads(body_of(older, AT, ADDRESSES))["data"]
    assert "achievement_id" not in data
    assert "achievement" not in data["links"]


def test_full_data_is_the_whole_event_and_what_is_said_thinly() -> None:
    event = example(CredentialIssued)
    thin = orjson.loads(data_in(body_of(event, AT, ADDRESSES)))
    full = orjson.loads(full_data(event, ADDRESSES))
    assert thin.items() <= full.items()
    assert full.keys() - thin.keys() == {"document", "issuer", "status_entries", "issued_at", "version"}
    assert full["document"] == event.document  # type: ignore[attr-defined]


def test_what_is_too_large_gives_way_to_the_links_and_is_named() -> None:
    event = example(CredentialIssued).model_copy(update={"document": {"text": "x" * MAX_FULL_BYTES}})
    raw = full_data(event, ADDRESSES)
    full = orjson.loads(raw)
    assert len(raw) < 2000
    assert "document" in full.pop("omitted")
    assert full == orjson.loads(data_in(body_of(event, AT, ADDRESSES)))


def test_a_test_is_marked_as_one() -> None:
    event = example(CredentialIssued)
    marked = orjson.loads(body_of(event, AT, ADDRESSES, test=True))["data"]
    assert marked["test"] is orjson.loads(full_data(event, ADDRESSES, test=True))["test"] is True
    assert "test" not in orjson.loads(full_data(event, ADDRESSES))


def test_what_the_database_cannot_read_as_json_fails_its_own_event() -> None:
    event = example(KeyRetired).model_copy(update={"did": "did:web:\x00"})
    with pytest.raises(Unspeakable):
        body_of(event, AT, ADDRESSES)


def test_message_ids_are_fresh_and_hold_no_dot() -> None:
    ids = {message_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch("msg_[a-z2-7]{26}", identifier) for identifier in ids)
    assert message_id(UUID(int=0)) == "msg_" + "a" * 26


def test_a_moment_at_the_edge_of_the_calendar_fails_its_own_event_only() -> None:
    edge = datetime.min.replace(tzinfo=timezone(timedelta(hours=14)))
    with pytest.raises(OverflowError):
        body_of(made(CredentialIssued), edge, ADDRESSES)
    assert body_of(made(CredentialIssued), datetime.max.replace(tzinfo=UTC), ADDRESSES)


def test_whom_to_write_to_is_in_no_webhook() -> None:
    event = example(CredentialIssued).model_copy(update={"recipient": Sealed(ciphertext="c2VhbGVk", key_id="k1")})
    assert b"c2VhbGVk" not in full_data(event, ADDRESSES)
    assert b"recipient" not in full_data(event, ADDRESSES)
