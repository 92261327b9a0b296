"""Events on the bus: what writers must keep to, what readers pass over, and the headers of the envelope."""

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.events.catalogue import CredentialIssued, InstitutionRegistered
from shared.events.envelope import MAX_VALUE_BYTES, Envelope, Event, UnreadableEvent
from shared.events.ids import new_id

ID = UUID("018f3a7e-0000-7000-8000-000000000001")
NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
ENTRY = {"purpose": "revocation", "status_list_credential": "https://issuer.example/status-lists/1", "index": 7}


def issued(**changed: Any) -> CredentialIssued:
    """An event with a model inside a list inside it."""
    fields: dict[str, Any] = {
        "version": 1,
        "credential_id": ID,
        "institution_id": ID,
        "achievement_id": ID,
        "issuer": "did:web:issuer.example",
        "document": {"id": "urn:uuid:1", "name": None, "nested": {"kept": [1, 2.5, "ü"]}},
        "status_entries": [ENTRY],
        "issued_at": NOW,
    }
    return CredentialIssued(**{**fields, **changed})


def envelope() -> Envelope:
    return Envelope(
        id=ID,
        type=CredentialIssued.TYPE,
        source="/issuer",
        subject=str(ID),
        time=NOW,
        sequence=3,
        traceparent=f"00-{'a' * 32}-{'b' * 16}-01",
        tracestate="vendor=1",
    )


def test_an_event_comes_back_from_the_bus_as_it_was():
    assert CredentialIssued.from_value(issued().to_value()) == issued()


def test_readers_ignore_fields_they_do_not_know_at_every_level():
    """An older reader must not stop at what a newer writer adds; the open document inside keeps everything."""
    value = orjson.loads(issued().to_value())
    value["added_later"] = {"any": "thing"}
    value["status_entries"][0]["added_later"] = 1
    value["document"]["anything"] = True
    read = CredentialIssued.from_value(orjson.dumps(value))
    assert read == issued(document={**issued().document, "anything": True})
    assert b"added_later" not in read.to_value()


def test_writers_may_not_invent_fields_at_any_level():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        issued(invented=1)
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        issued(status_entries=[{**ENTRY, "invented": 1}])


def test_events_do_not_change():
    with pytest.raises(ValidationError, match="frozen"):
        issued().version = 2  # type: ignore[misc]


def test_nulls_of_a_document_are_kept_and_absent_fields_are_not_written():
    """The signed document must come back byte for byte as far as JSON goes; `exclude_none` is for our own fields."""
    assert orjson.loads(issued().to_value())["document"] == issued().document
    registered = InstitutionRegistered(
        version=1, institution_id=ID, slug="a", did="did:web:a", name="A", url="https://a.example", registered_at=NOW
    )
    assert not {"email", "image"} & orjson.loads(registered.to_value()).keys()
    assert InstitutionRegistered.from_value(registered.to_value()) == registered


def test_a_value_may_have_256_kib_and_no_byte_more():
    room = MAX_VALUE_BYTES - len(issued(document={"x": ""}).to_value())
    assert len(issued(document={"x": "a" * room}).to_value()) == MAX_VALUE_BYTES
    with pytest.raises(ValueError, match="more than 262144"):
        issued(document={"x": "a" * (room + 1)}).to_value()


@pytest.mark.parametrize(
    ("value", "where"),
    [
        (b"", "value"),
        (b"{", "value"),
        (b"\xff\xfe", "value"),
        (b"[]", "value"),
        (b"null", "value"),
        (b'{"version": 1}', "credential_id"),
        (issued().to_value().replace(b'"index":7', b'"index":-7'), "status_entries/0/index"),
        (issued().to_value().replace(b'"version":1', b'"version":0'), "version"),
        (issued().to_value().replace(b"revocation", b"revenge"), "status_entries/0/purpose"),
        (issued().to_value().replace(b"2026-03-01", b"2026-02-30"), "issued_at"),
    ],
)
def test_a_value_that_is_no_event_of_its_type_is_unreadable_and_says_where(value, where):
    with pytest.raises(UnreadableEvent) as caught:
        CredentialIssued.from_value(value)
    assert caught.value.reason == "invalid-event"
    assert caught.value.detail.startswith(f"{CredentialIssued.TYPE}: {where}: ")


def test_what_is_wrong_is_told_without_the_value():
    """It may be about a learner."""
    with pytest.raises(UnreadableEvent) as caught:
        CredentialIssued.from_value(issued().to_value().replace(b'"index":7', b'"index":"Ada Lovelace"'))
    assert "Lovelace" not in str(caught.value)


def test_an_envelope_comes_back_from_headers_as_it_was():
    assert Envelope.from_headers(envelope().headers()) == envelope()
    bare = replace(envelope(), traceparent=None, tracestate=None)
    assert Envelope.from_headers(bare.headers()) == bare


def test_headers_are_those_of_the_binary_mode():
    assert dict(envelope().headers()) == {
        "ce_specversion": b"1.0",
        "ce_id": b"018f3a7e-0000-7000-8000-000000000001",
        "ce_type": b"org.laurel.credential.issued.v1",
        "ce_source": b"/issuer",
        "ce_subject": b"018f3a7e-0000-7000-8000-000000000001",
        "ce_time": b"2026-03-01T12:00:00.123456Z",
        "ce_sequence": b"00000000000000000003",
        "ce_partitionkey": b"018f3a7e-0000-7000-8000-000000000001",
        "content-type": b"application/json",
        "traceparent": f"00-{'a' * 32}-{'b' * 16}-01".encode(),
        "tracestate": b"vendor=1",
    }


def test_times_are_written_in_utc():
    elsewhere = replace(envelope(), time=NOW.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert dict(elsewhere.headers())["ce_time"] == b"2026-03-01T12:00:00.123456Z"


def test_headers_nobody_knows_and_the_order_do_not_matter():
    headers = [("ce_extension", b"\xff"), *reversed(envelope().headers()), ("x", b"")]
    assert Envelope.from_headers(headers) == envelope()


@pytest.mark.parametrize(
    "name", ["ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_sequence"]
)
def test_a_missing_attribute_is_unreadable_and_named(name):
    headers = [header for header in envelope().headers() if header[0] != name]
    with pytest.raises(UnreadableEvent, match=f"missing-attribute: {name}"):
        Envelope.from_headers(headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_specversion", b"0.3"),
        ("ce_id", b"7"),
        ("ce_id", b"\xff\xfe"),
        ("ce_type", b""),
        ("ce_source", b""),
        ("ce_subject", b"nul\0"),
        ("ce_subject", b"two\nlines"),
        ("ce_time", b"yesterday"),
        ("ce_time", b"2026-03-01T12:00:00"),
        ("ce_sequence", b"three"),
        ("ce_sequence", b"-1"),
        ("ce_sequence", "٣".encode()),
        ("ce_sequence", b"9" * 30),
        ("ce_sequence", b"1" * 5000),
        ("traceparent", b"\xff"),
    ],
)
def test_a_malformed_attribute_is_unreadable(name, value):
    headers = [(key, value if key == name else kept) for key, kept in envelope().headers()]
    with pytest.raises(UnreadableEvent) as caught:
        Envelope.from_headers(headers)
    assert caught.value.reason in ("malformed-attribute", "missing-attribute")


@given(st.lists(st.tuples(st.sampled_from([name for name, _ in envelope().headers()]), st.binary(max_size=40))))
def test_no_headers_at_all_make_a_reader_fail_otherwise(garbage):
    with contextlib.suppress(UnreadableEvent):
        Envelope.from_headers([*envelope().headers(), *garbage])


@pytest.mark.parametrize(
    "name", ["credential.issued.v1", "org.laurel.credential.v1", "org.laurel.credential.issued", "org.laurel.a.b.v0"]
)
def test_a_type_that_is_not_named_like_one_cannot_be_declared(name):
    with pytest.raises(TypeError, match="is not of the form"):
        type("Wrong", (Event,), {}, type=name, topic="issuer.events", key="version")


def test_an_id_made_later_sorts_behind():
    ids = [new_id() for _ in range(1000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 1000
