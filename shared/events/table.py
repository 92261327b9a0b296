"""The page docs/events.md: every event type, its key, its fields and what they mean."""

from collections.abc import Iterator
from typing import Any

from shared.events.catalogue import EVENT_TYPES, TOPICS
from shared.events.envelope import Event
from shared.events.json_schema import ENVELOPE, Schema, schema_of
from shared.events.notice import ParkedNotice

_HEAD = """# Events

Generated from the models by `make generate`; do not edit. The same for machines: [asyncapi.json](asyncapi.json) and
one JSON Schema a type in `shared/events/schemas/`.

Events are delivered at least once, and in order for each key. A type never changes incompatibly: its next version is
another type. Ignore types and fields you do not know.
"""


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join([_HEAD, *_overview(), *_topics(), *_envelope(), *_notice()])


def _overview() -> Iterator[str]:
    yield "| type | topic | key | when |"
    yield "|---|---|---|---|"
    for event in EVENT_TYPES:
        yield f"| [`{event.TYPE}`](#{_anchor(event.TYPE)}) | `{event.TOPIC}` | `{event.KEY}` | {_said(event)} |"
    yield ""


def _topics() -> Iterator[str]:
    for topic in TOPICS:
        yield f"## {topic}\n"
        for event in EVENT_TYPES:
            if topic == event.TOPIC:
                yield f"### {event.TYPE}\n\n{_said(event)}\n"
                yield from _fields(schema_of(event))


def _envelope() -> Iterator[str]:
    yield f"## Headers of every event\n\n{ENVELOPE['description']}\n"
    yield from _fields(ENVELOPE)


def _notice() -> Iterator[str]:
    yield f"## Notices on `<consumer>.dead-letter`\n\n`{ParkedNotice.TYPE}`: {_said(ParkedNotice)}\n"
    yield from _fields(schema_of(ParkedNotice))


def _fields(schema: Schema) -> Iterator[str]:
    yield "| field | type | meaning |"
    yield "|---|---|---|"
    yield from _rows(schema, schema, "")
    yield ""


def _rows(schema: Schema, root: Schema, prefix: str) -> Iterator[str]:
    """A row a field; those of a nested model below it, by their path."""
    for name, field in schema["properties"].items():
        mark = "" if name in schema.get("required", []) else " (may be absent)"
        yield f"| `{prefix}{name}` | {_type(field)}{mark} | {field.get('description', '')} |"
        reference = field.get("$ref") or field.get("items", {}).get("$ref")
        if reference:
            nested = root["$defs"][reference.removeprefix("#/$defs/")]
            yield from _rows(nested, root, f"{prefix}{name}{'[]' if 'items' in field else ''}.")


def _type(field: dict[str, Any]) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field:
        return "object"
    return str(field.get("format") or field["type"])


def _said(model: type[Event] | type[ParkedNotice]) -> str:
    return " ".join((model.__doc__ or "").split())


def _anchor(heading: str) -> str:
    return heading.replace(".", "")
