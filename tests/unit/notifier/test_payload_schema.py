"""The schemas of what platforms get, and their examples."""

from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, ValidationError

from services.notifier.api.event_types import listing
from services.notifier.domain.content import MAX_FULL_BYTES, NAMES, Addresses, body_around, full_data
from services.notifier.domain.examples import EXAMPLE_AT, example
from services.notifier.domain.payload_schema import payload_schema
from shared.events.catalogue import CredentialIssued

ADDRESSES = Addresses("https://registry.example", "https://verifier.example")


async def types() -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in (await listing())["items"]}


@pytest.mark.parametrize("payload", ["thin", "full"])
@pytest.mark.parametrize("name", NAMES)
async def test_an_example_is_what_its_schema_describes(name: str, payload: str) -> None:
    shown = (await types())[name]
    schema, body = shown["schemas"][payload], shown["examples"][payload]
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
    assert tuple(await types()) == NAMES


def test_a_body_without_what_was_too_large_is_described_too() -> None:
    event = example(CredentialIssued).model_copy(update={"document": {"text": "x" * MAX_FULL_BYTES}})
    body = orjson.loads(body_around("credential.issued", EXAMPLE_AT, full_data(event, ADDRESSES)))
    validator = Draft202012Validator(payload_schema(CredentialIssued, "full"))
    validator.validate(body)
    del body["data"]["omitted"]
    with pytest.raises(ValidationError):
        validator.validate(body)
