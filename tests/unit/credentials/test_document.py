"""Building a badge: what goes where, and only what is given."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from shared.credentials import build_open_badge, build_status_list_credential, check_structure, verify_proof
from shared.credentials.status_list import StatusList
from shared.credentials.times import read_timestamp, timestamp
from tests.unit.credentials.badges import ACHIEVEMENT, CREATED, DID, KEYS, badge, signed


def test_a_badge_has_two_contexts_and_nothing_that_was_not_given() -> None:
    document = badge()
    assert len(document["@context"]) == 2
    assert document["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    assert document["name"] == ACHIEVEMENT["name"]
    assert not {"validUntil", "evidence"} & document.keys()
    assert "result" not in document["credentialSubject"]


def test_everything_given_is_there_and_signed() -> None:
    document = build_open_badge(
        credential_id="https://registry.example/credentials/1",
        issuer={"id": DID, "type": ["Profile"], "name": "Acme"},
        achievement=ACHIEVEMENT,
        subject={
            "identifier": [{"type": "IdentityObject", "hashed": True, "identityHash": "x", "identityType": "name"}]
        },
        valid_from=CREATED,
        valid_until=CREATED + timedelta(days=1),
        results=[{"type": ["Result"], "value": "A"}],
        evidence=[{"id": "https://evidence.example/1", "type": ["Evidence"]}],
    )
    assert document["validUntil"] == "2026-03-02T12:00:00Z"
    assert document["credentialSubject"]["result"] == [{"type": ["Result"], "value": "A"}]
    assert document["evidence"][0]["id"] == "https://evidence.example/1"
    assert check_structure(document) == []
    verify_proof(signed(document), KEYS)


def test_building_does_not_hold_on_to_what_it_was_given() -> None:
    achievement = {**ACHIEVEMENT}
    document = badge()
    achievement["name"] = "changed"
    assert document["credentialSubject"]["achievement"]["name"] == ACHIEVEMENT["name"]


def test_a_status_list_says_utc() -> None:
    east = datetime(2026, 3, 1, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    document = build_status_list_credential(
        list_id="https://issuer.example/status-lists/1",
        issuer=DID,
        purpose="revocation",
        status_list=StatusList.empty(),
        valid_from=east,
        valid_until=east + timedelta(days=1),
    )
    assert (document["validFrom"], document["validUntil"]) == ("2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z")
    assert check_structure(document) == []
    verify_proof(signed(document), KEYS)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T12:00:00Z", CREATED),
        ("2026-03-01T14:00:00.000+02:00", CREATED),
        ("2026-03-01T11:59:59.5-00:00", CREATED - timedelta(milliseconds=500)),
        ("2026-03-01T12:00:00.12345678901234567890Z", CREATED + timedelta(microseconds=123456)),
        ("2026-02-28T24:00:00Z", CREATED - timedelta(hours=12)),
        ("2026-03-02T02:00:00+14:00", CREATED),
        ("9999-12-31T23:59:59Z", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_instants_are_read(text: str, moment: datetime) -> None:
    assert read_timestamp(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01",
        "2026-03-01T12:00:00",
        "2026-03-01 12:00:00Z",
        "2026-02-30T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "2026-03-01T12:00:60Z",
        "2026-03-01t12:00:00Z",
        "2026-03-01T12:00:00z",
        "2026-03-01T24:00:01Z",
        "9999-12-31T24:00:00Z",
        "2026-03-01T12:00:00+14:01",
        "2026-03-01T12:00:00+25:00",
        "\u0662\u0660\u0662\u0666-03-01T12:00:00Z",
        "",
        5,
        None,
    ],
)
def test_anything_else_is_no_instant(text: object) -> None:
    assert read_timestamp(text) is None


def test_instants_come_back() -> None:
    assert timestamp(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"
    assert read_timestamp(timestamp(CREATED)) == CREATED
