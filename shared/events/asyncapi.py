"""The AsyncAPI 3.0 document of everything Laurel's services publish."""

import re
from collections.abc import Iterable
from typing import Any

from shared.events.catalogue import EVENT_TYPES, TOPICS
from shared.events.envelope import CONTENT_TYPE, Event
from shared.events.json_schema import ENVELOPE, Schema, schema_of
from shared.events.notice import ParkedNotice

PARTITIONS = 12
RETENTION_MS = 14 * 24 * 3600 * 1000
MAX_MESSAGE_BYTES = 1_048_576
_KAFKA = "0.5.0"
_TOPIC_BINDING = {
    "partitions": PARTITIONS,
    "topicConfiguration": {
        "cleanup.policy": ["delete"],
        "retention.ms": RETENTION_MS,
        "max.message.bytes": MAX_MESSAGE_BYTES,
    },
    "bindingVersion": _KAFKA,
}
_DEAD_LETTER = "dead-letter"


def document(version: str) -> dict[str, Any]:
    """The whole document; `version` is the release's."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Laurel events",
            "version": version,
            "description": "What Laurel's services tell each other and anyone who listens. Delivered at least once, in"
            " order for each key: remember ce_id to recognise repetitions. Ignore types and fields you do not know: a"
            " type never changes incompatibly, its next version is another type.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic: _channel(topic) for topic in TOPICS} | {_DEAD_LETTER: _dead_letter_channel()},
        "operations": {f"send.{topic}": _operation(topic, events) for topic, events in _sent().items()},
        "components": {
            "messages": {event.TYPE: _message(event) for event in EVENT_TYPES} | {ParkedNotice.TYPE: _notice()},
            "schemas": {"Envelope": _embedded(ENVELOPE), **_schemas([*EVENT_TYPES, ParkedNotice])},
        },
    }


def _channel(topic: str) -> dict[str, Any]:
    return {
        "address": topic,
        "description": f"Facts recorded by the {_owner(topic)}. Kept for 14 days.",
        "messages": {event.TYPE: {"$ref": f"#/components/messages/{event.TYPE}"} for event in _of(topic)},
        "bindings": {"kafka": {"topic": topic, **_TOPIC_BINDING}},
    }


def _dead_letter_channel() -> dict[str, Any]:
    services = sorted(_owner(topic) for topic in TOPICS)
    return {
        "address": "{consumer}.dead-letter",
        "description": "Notices of events that a consumer set aside, for people who watch over it. Kept for 14 days.",
        "parameters": {"consumer": {"enum": services, "description": "The service that could not handle the event."}},
        "messages": {ParkedNotice.TYPE: {"$ref": f"#/components/messages/{ParkedNotice.TYPE}"}},
        "bindings": {"kafka": _TOPIC_BINDING},
    }


def _operation(channel: str, types: list[str]) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{one}"} for one in types],
        "bindings": {"kafka": {"bindingVersion": _KAFKA}},
    }


def _sent() -> dict[str, list[str]]:
    """What is sent where."""
    return {topic: [event.TYPE for event in _of(topic)] for topic in TOPICS} | {_DEAD_LETTER: [ParkedNotice.TYPE]}


def _message(event: type[Event]) -> dict[str, Any]:
    return {
        **_described(event),
        "headers": _headers(event.TYPE, {"ce_source": {"const": f"/{_owner(event.TOPIC)}"}}),
        "bindings": {"kafka": {"key": _key(event), "bindingVersion": _KAFKA}},
    }


def _notice() -> dict[str, Any]:
    key = {"type": "string", "description": "The key of the event that was set aside."}
    return {
        **_described(ParkedNotice),
        "headers": _headers(ParkedNotice.TYPE, {}),
        "bindings": {"kafka": {"key": key, "bindingVersion": _KAFKA}},
    }


def _described(model: type[Event] | type[ParkedNotice]) -> dict[str, Any]:
    return {
        "name": model.TYPE,
        "title": model.__name__,
        "summary": (model.__doc__ or "").strip(),
        "contentType": CONTENT_TYPE,
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _headers(type_name: str, more: Schema) -> Schema:
    fixed = {"properties": {"ce_type": {"const": type_name}, **more}}
    return {"type": "object", "allOf": [{"$ref": "#/components/schemas/Envelope"}, fixed]}


def _key(event: type[Event]) -> Schema:
    field = schema_of(event)["properties"][event.KEY]
    return {**field, "description": f"{event.KEY}: events with the same one keep their order."}


def _schemas(events: Iterable[type[Event] | type[ParkedNotice]]) -> dict[str, Schema]:
    """Schemas by the models' names; nested models stand beside the events."""
    schemas: dict[str, Schema] = {}
    for event in events:
        schema = schema_of(event)
        for name, nested in schema.pop("$defs", {}).items():
            schemas[name] = _embedded(nested)
        schemas[event.__name__] = _embedded(schema)
    return dict(sorted(schemas.items()))


def _embedded(part: Any) -> Any:
    """A schema as part of this document, whose own dialect it is in."""
    if isinstance(part, list):
        return [_embedded(item) for item in part]
    if not isinstance(part, dict):
        return part
    kept = {word: _embedded(value) for word, value in part.items() if word not in ("$schema", "$id")}
    if isinstance(reference := kept.get("$ref"), str):
        kept["$ref"] = re.sub(r"^#/\$defs/", "#/components/schemas/", reference)
    return kept


def _owner(topic: str) -> str:
    return topic.split(".")[0]


def _of(topic: str) -> list[type[Event]]:
    return [event for event in EVENT_TYPES if topic == event.TOPIC]
