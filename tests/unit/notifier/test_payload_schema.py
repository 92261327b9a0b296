"""The schemas of what platforms get, and their examples."""

from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, ValidationError

from services.notifier.api.event_types import listing
from services.notifier.domain.content import MAX_FULL_BYTES, NAMES, TOLD, Addresses, Audience, body_around, full_data
from services.notifier.domain.examples import EXAMPLE_AT, example
from services.notifier.domain.payload_schema import payload_schema
from shared.events.catalogue import CredentialIssued

ADDRESSES = Addresses("https://registry.example", "https://verifier.example")


async def types() -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in (await listing())["items"]}


async def told_to(audience: Audience, name: str) -> dict[str, Any]:
    """How a tenant of that kind hears of a type."""
    shown = (await types())[name]
    return dict(shown["platform"]) if audience == "platform" else shown


@pytest.mark.parametrize("payload", ["thin", "full"])
@pytest.mark.parametrize(("audience", "name"), [(audience, name) for audience, told in TOLD.items() for name in told])
async def test_an_example_is_what_its_schema_describes(audience: Audience, name: str, payload: str) -> None:
    shown = await told_to(audience, name)
    schema, body = shown["schemas"][payload], shown["examples"][payload]
    assert (schema["title"], body["type"]) == (name, name)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    validator.validate(body)
    assert shown["description"]
    for field in schema["properties"]["data"]["required"]:
        lacking = {**body, "data": {key: value for key, value in body["data"].items() if key != field}}
        with pytest.raises(ValidationError):
            validator.validate(lacking)
    with pytest.raises(ValidationError):
        validator.validate({**body, "type": "another.type"})
    assert body["data"].keys() <= schema["properties"]["data"]["properties"].keys()


async def test_nothing_else_is_listed() -> None:
    shown = await types()
    assert tuple(shown) == NAMES
    for name, each in shown.items():
        assert each["heard_by"] == [audience for audience, told in TOLD.items() if name in told]
        assert (each["platform"] is not None) == ("platform" in each["heard_by"])


@pytest.mark.parametrize("payload", ["thin", "full"])
@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("credential.revoked", "revoked"),
        ("credential.suspended", "suspended"),
        ("credential.reinstated", "active"),
        ("credential.expired", "expired"),
    ],
)
async def test_a_platform_is_shown_that_a_change_names_its_share(name: str, status: str, payload: str) -> None:
    shown = await types()
    institutions, platforms = shown[name], shown[name]["platform"]
    data = platforms["schemas"][payload]["properties"]["data"]
    assert {"share_id", "platform_id", "credential_id", "status"} <= set(data["required"])
    assert data["properties"]["status"] == {"const": status}
    assert platforms["examples"][payload]["data"]["status"] == status
    assert "share_id" not in institutions["schemas"][payload]["properties"]["data"]["properties"]
    assert platforms["schemas"][payload]["$id"] != institutions["schemas"][payload]["$id"]
    assert platforms["cloud_event_type"] == institutions["cloud_event_type"] == f"org.laurel.{name}.v1"
    assert (platforms["cloud_event_source"], institutions["cloud_event_source"]) == ("/registry", "/issuer")


def test_a_body_without_what_was_too_large_is_described_too() -> None:
    event = example(CredentialIssued).model_copy(update={"document": {"text": "x" * MAX_FULL_BYTES}})
    body = orjson.loads(body_around("credential.issued", EXAMPLE_AT, full_data(event, ADDRESSES)))
    validator = Draft202012Validator(payload_schema("institution", "credential.issued", "full"))
    validator.validate(body)
    del body["data"]["omitted"]
    with pytest.raises(ValidationError):
        validator.validate(body)
