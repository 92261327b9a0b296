"""What messages say, and what they never say."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest

from services.notifier.domain.content import NAMES, SAID, Addresses, body_of, message_id
from shared.events.catalogue import EVENT_TYPES, CredentialIssued, CredentialVerified, MessageExhausted
from shared.events.envelope import Event
from shared.events.ids import new_id

ADDRESSES = Addresses("https://registry.example", "https://verifier.example")
AT = datetime(2026, 3, 1, 13, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=1)))
PERSONAL = "learner@example.com"


def made(kind: type[Event]) -> Event:
    """An event of that type with something in each field; personal data wherever text fits."""
    return kind.model_construct(**{name: _value(name, field.annotation) for name, field in kind.model_fields.items()})


def _value(name: str, annotation: Any) -> Any:
    if annotation is UUID:
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
    ours = {kind for kind in EVENT_TYPES if "institution_id" in kind.model_fields} - {MessageExhausted}
    assert set(SAID) == ours
    assert len(set(NAMES)) == len(NAMES)


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
