"""The JSON Schemas of the events, as readers need them: open, so that a field added later is no error.

Writers are held to more than these say: the models refuse fields they do not know.
"""

from typing import Any

from shared.events.envelope import SPEC_VERSION, Event
from shared.events.notice import ParkedNotice

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

_TIME = {"type": "string", "format": "date-time"}
_PARENT = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"
ENVELOPE: Schema = {
    "$schema": DIALECT,
    "$id": "urn:laurel:envelope",
    "title": "Envelope",
    "description": "Kafka headers of every event: CloudEvents 1.0 in binary mode. All values are UTF-8 text.",
    "type": "object",
    "properties": {
        "ce_specversion": {"const": SPEC_VERSION},
        "ce_id": {
            "type": "string",
            "format": "uuid",
            "description": "Names the fact for ever (UUIDv7): a repeated or replayed event has the same one.",
        },
        "ce_type": {"type": "string", "description": "The event type, with its version."},
        "ce_source": {"type": "string", "format": "uri-reference", "description": "The service, such as /issuer."},
        "ce_subject": {"type": "string", "description": "What the event is about."},
        "ce_time": {**_TIME, "description": "When the fact was recorded."},
        "ce_sequence": {
            "type": "string",
            "pattern": "^[0-9]{20}$",
            "description": "The subject's version after the event; grows by one with each of its events.",
        },
        "ce_partitionkey": {"type": "string", "description": "The record's key: its events keep their order."},
        "content-type": {"const": "application/json"},
        "traceparent": {"type": "string", "pattern": _PARENT, "description": "W3C trace context of the request."},
        "tracestate": {"type": "string"},
    },
    "required": [
        "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_subject", "ce_time", "ce_sequence", "content-type",
    ],
}  # fmt: skip


def schema_of(event: type[Event] | type[ParkedNotice]) -> Schema:
    """The schema of a type's value, in the model's own order."""
    made = _opened(event.model_json_schema(mode="serialization"))
    described = {"title": event.__name__, "description": (event.__doc__ or "").strip()}
    return {"$schema": DIALECT, "$id": f"urn:laurel:event:{event.TYPE}", **described, **made}


def _opened(schema: Schema) -> Schema:
    """Without what closes objects, what pydantic makes up, and nulls, which are never written."""
    opened: Schema = {}
    for word, value in schema.items():
        if word == "title" or (word == "additionalProperties" and isinstance(value, bool)):
            continue
        if word == "default" and value is None:
            continue
        opened[word] = _opened_part(word, value)
    return _without_null(opened)


def _opened_part(word: str, value: Any) -> Any:
    if word in ("properties", "$defs"):
        return {name: _opened(part) for name, part in value.items()}
    if word in ("items", "additionalProperties"):
        return _opened(value)
    if word == "anyOf":
        return [_opened(part) for part in value]
    return value


def _without_null(schema: Schema) -> Schema:
    choices = [choice for choice in schema.get("anyOf", []) if choice != {"type": "null"}]
    if len(choices) != 1:
        return schema
    return {**choices[0], **{word: value for word, value in schema.items() if word != "anyOf"}}
