"""Renderings, byte by byte: a retry may be sent by a later release, so these bytes must never change."""

from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from services.notifier.domain.content import TOLD, Addresses, Audience, body_of, full_data
from services.notifier.domain.endpoint import Format
from services.notifier.domain.examples import EXAMPLES
from services.notifier.domain.rendering import Saying, render

AT = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
EVENT = UUID("01906a3c-5b00-7000-8000-0000000000ff")
THIN = '{"credential_id":"c-1","text":"é, \\"data\\":{}"}'.encode()
BODY = b'{"type":"credential.revoked","timestamp":"2026-03-01T12:00:00.250000Z","data":' + THIN + b"}"
FULL = b'{"credential_id":"c-1","document":{}}'
CONTEXT = (
    b'{"specversion":"1.0","id":"01906a3c-5b00-7000-8000-0000000000ff","source":"/issuer",'
    b'"type":"org.laurel.credential.revoked.v1","subject":"c-1","time":"2026-03-01T12:00:00.250000Z",'
    b'"datacontenttype":"application/json","data":'
)


def saying(full: bytes | None = None) -> Saying:
    return Saying("credential.revoked", EVENT, AT, BODY, full)


@pytest.mark.parametrize(
    ("format", "full", "kind", "body"),
    [
        ("standard", None, "application/json", BODY),
        ("standard", FULL, "application/json", BODY.replace(THIN, FULL)),
        ("cloudevents-structured", None, "application/cloudevents+json", CONTEXT + THIN + b"}"),
        ("cloudevents-structured", FULL, "application/cloudevents+json", CONTEXT + FULL + b"}"),
        ("cloudevents-binary", None, "application/json", THIN),
        ("cloudevents-binary", FULL, "application/json", FULL),
    ],
)
def test_the_bytes_of_each_rendering(format: Format, full: bytes | None, kind: str, body: bytes) -> None:
    rendered = render(saying(full), format)
    assert rendered.body == body
    assert rendered.headers["content-type"] == kind


def test_binary_mode_has_the_attributes_in_headers() -> None:
    odd = BODY.replace(b'"c-1"', b'"a b%\\"\xc3\xa9"')
    headers = render(Saying("credential.revoked", EVENT, AT, odd), "cloudevents-binary").headers
    assert headers == {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": str(EVENT),
        "ce-source": "/issuer",
        "ce-type": "org.laurel.credential.revoked.v1",
        "ce-subject": "a%20b%25%22%C3%A9",
        "ce-time": "2026-03-01T12:00:00.250000Z",
    }


@pytest.mark.parametrize("format", ["standard", "cloudevents-structured", "cloudevents-binary"])
@pytest.mark.parametrize(("audience", "name"), [(audience, name) for audience, told in TOLD.items() for name in told])
def test_every_type_has_every_rendering(audience: Audience, name: str, format: Format) -> None:
    addresses, event = Addresses("https://registry.example", "https://verifier.example"), EXAMPLES[audience][name]
    body, full = body_of(event, AT, addresses), full_data(event, addresses)
    for whole, data in ((None, orjson.loads(body)["data"]), (full, orjson.loads(full))):
        sent = orjson.loads(render(Saying(name, EVENT, AT, body, whole), format).body)
        assert (sent if format == "cloudevents-binary" else sent["data"]) == data


def test_what_became_of_a_share_comes_from_the_registry_whatever_it_is_called() -> None:
    """On the bus it is a share.changed of the registry's: the issuer knows no event of that id."""
    shared = THIN.replace(b"{", b'{"share_id":"s-1",', 1)
    for format in ("cloudevents-structured", "cloudevents-binary"):
        rendered = render(Saying("credential.revoked", EVENT, AT, BODY.replace(THIN, shared)), format)
        if format == "cloudevents-structured":
            assert rendered.body == CONTEXT.replace(b"/issuer", b"/registry") + shared + b"}"
        else:
            assert rendered.headers["ce-source"] == "/registry"
            assert rendered.headers["ce-type"] == "org.laurel.credential.revoked.v1"
