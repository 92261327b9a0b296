"""What is committed about the events follows the models, fits them, and fits the last release."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from jsonschema import Draft7Validator, Draft202012Validator

from shared.bus import kafka, port
from shared.events import asyncapi, generate
from shared.events.catalogue import EVENT_TYPES, TOPICS
from shared.events.compatibility import breaks
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from shared.events.json_schema import ENVELOPE, Schema, schema_of
from shared.events.notice import ParkedNotice
from shared.inbox import parking
from tests.contract.schema_examples import examples

ASYNCAPI_SCHEMA = Path(__file__).parents[1] / "data" / "asyncapi" / "3.0.0-without-$id.json"


def load(path: Path) -> Any:
    return orjson.loads(path.read_bytes())


def schemas_in(folder: Path) -> dict[str, Schema]:
    return {path.stem: load(path) for path in sorted(folder.glob("*.json"))}


def releases() -> list[Path]:
    """Oldest first."""
    folders = (generate.ROOT / generate.RELEASED).iterdir()
    return sorted(folders, key=lambda folder: [int(part) for part in folder.name.split(".")])


def test_what_is_generated_from_the_models_is_committed():
    assert generate.stale() == [], "run `make generate`"


@pytest.mark.parametrize("release", releases(), ids=lambda folder: str(folder.name))
def test_no_type_changed_incompatibly_since_a_release(release):
    found = breaks(schemas_in(release), schemas_in(generate.ROOT / generate.SCHEMAS))
    assert not found, "\n".join(f"{name}: {one}: make it a new .vN" for name, all_ in found.items() for one in all_)


def test_there_is_a_release_to_compare_with():
    assert releases()


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda event: str(event.TYPE))
def test_schemas_are_valid_json_schema(event):
    Draft202012Validator.check_schema(schema_of(event))


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda event: str(event.TYPE))
def test_readers_read_all_that_the_schema_allows_and_write_nothing_else(event):
    schema = schema_of(event)
    validator = Draft202012Validator(schema)

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(examples(schema))
    def check(value: Any) -> None:
        read = event.from_value(orjson.dumps(value))
        validator.validate(orjson.loads(read.to_value()))

    check()


def envelopes(event: type[Event]) -> Iterator[Envelope]:
    made = Envelope(new_id(), event.TYPE, f"/{event.TOPIC.split('.')[0]}", "subject", datetime.now(UTC), 7)
    yield made
    yield replace(made, traceparent=f"00-{'a' * 32}-{'b' * 16}-01", tracestate="vendor=1")


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda event: str(event.TYPE))
def test_headers_as_written_fit_their_schema(event):
    document = load(generate.ROOT / "docs/asyncapi.json")
    fixed = document["components"]["messages"][event.TYPE]["headers"]["allOf"][1]
    for envelope in envelopes(event):
        headers = {name: value.decode() for name, value in envelope.headers()}
        Draft202012Validator(ENVELOPE, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(headers)
        Draft202012Validator(fixed).validate(headers)
        assert headers.keys() <= ENVELOPE["properties"].keys()


def test_the_asyncapi_document_is_valid_by_its_published_schema():
    document = load(generate.ROOT / "docs/asyncapi.json")
    validator = Draft7Validator(load(ASYNCAPI_SCHEMA))
    assert [error.message for error in validator.iter_errors(document)] == []
    document["channels"]["issuer.events"]["bindings"]["kafka"]["partitions"] = 0
    assert list(validator.iter_errors(document)), "this schema finds nothing wrong"


def test_every_reference_in_the_asyncapi_document_leads_somewhere():
    document = load(generate.ROOT / "docs/asyncapi.json")

    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    found = set(references(document))
    assert len(found) > 2 * len(EVENT_TYPES)
    for reference in found:
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_the_asyncapi_document_says_what_the_bus_does():
    document = load(generate.ROOT / "docs/asyncapi.json")
    assert (asyncapi.PARTITIONS, asyncapi.RETENTION_MS) == (port.PARTITIONS, port.RETENTION_SECONDS * 1000)
    assert asyncapi.MAX_MESSAGE_BYTES == kafka.MAX_MESSAGE_BYTES
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {*TOPICS, "{consumer}.dead-letter"}
    sent = {one for operation in document["operations"].values() for one in map(str, operation["messages"])}
    assert len(sent) == len(EVENT_TYPES) + 1


def test_the_notice_of_a_parked_event_is_the_documented_one():
    assert parking.NOTICE_TYPE == ParkedNotice.TYPE
    notice = ParkedNotice(topic="t", partition=1, offset=2, event_id=new_id(), reason="invalid-event")
    Draft202012Validator(schema_of(ParkedNotice)).validate(orjson.loads(notice.to_value()))


@pytest.mark.parametrize("event", EVENT_TYPES, ids=lambda event: str(event.TYPE))
def test_an_event_type_is_declared_whole(event):
    assert event.TOPIC in TOPICS
    assert event.KEY in event.model_fields
    assert event.model_fields[event.KEY].is_required()
    assert (event.__doc__ or "").strip(), "say when it is sent"


def test_names_are_given_once():
    for named in ("TYPE", "__name__"):
        names = [getattr(event, named) for event in EVENT_TYPES]
        assert len(set(names)) == len(names)
