"""The JSON Schemas of what platforms get: open, so that a field added later is no error to them."""

from typing import Any

from services.notifier.domain.content import MAX_FULL_BYTES, PRIVATE, SAID, SHARED, STATUSES, TOLD, Audience
from services.notifier.domain.endpoint import PayloadKind
from shared.events.catalogue import ShareChanged
from shared.events.envelope import Event
from shared.events.json_schema import DIALECT, Schema, schema_of

_URL = {"type": "string", "format": "uri"}
_LINKS: Schema = {
    "type": "object",
    "description": "Where the rest is, as far as it is public.",
    "properties": {"credential": _URL, "verify": _URL, "achievement": _URL, "institution": _URL},
    "required": ["institution"],
}
_TEST: Schema = {"const": True, "description": "There for a test that somebody asked for; its contents are made up."}
_OMITTED: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "description": f"Fields left out because all would be more than {MAX_FULL_BYTES} bytes; see the links.",
}


def payload_schema(audience: Audience, name: str, payload: PayloadKind) -> Schema:
    """The schema of the whole Standard Webhooks body that a tenant of that kind gets by that name, thin or full."""
    kind = TOLD[audience][name]
    event = schema_of(kind)
    if kind is ShareChanged:
        event["properties"]["status"] = {"const": STATUSES[name]}
    data = _thin(kind, event) if payload == "thin" else _full(kind, event)
    body: Schema = {
        "$schema": DIALECT,
        "$id": f"urn:laurel:webhook:{_place(kind, name)}:{payload}",
        "title": name,
        "description": description(kind),
        "type": "object",
        "properties": {
            "type": {"const": name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When the event happened."},
            "data": data,
        },
        "required": ["type", "timestamp", "data"],
    }
    if "$defs" in event and (payload == "full" or kind in SHARED):
        body["$defs"] = event["$defs"]
    return body


def _place(kind: type[Event], name: str) -> str:
    """Two events that are told by one name have each a schema of their own."""
    return name if kind.short_name() == name else f"{kind.short_name()}:{name}"


def description(kind: type[Event]) -> str:
    """What happened."""
    return " ".join((kind.__doc__ or "").split())


def _thin(kind: type[Event], event: Schema) -> Schema:
    fields, status = (SAID | SHARED)[kind]
    properties: dict[str, Any] = {name: event["properties"][name] for name in fields}
    if status is not None:
        properties["status"] = {"const": status}
    required = [name for name in properties if name == "status" or name in event["required"]]
    return {
        "type": "object",
        "properties": {**properties, "links": _LINKS, "test": _TEST},
        "required": [*required, "links"],
    }


def _public(event: Schema) -> dict[str, Any]:
    return {name: schema for name, schema in event["properties"].items() if name not in PRIVATE}


def _full(kind: type[Event], event: Schema) -> Schema:
    thin = _thin(kind, event)
    return {
        "type": "object",
        "properties": {**_public(event), **thin["properties"], "omitted": _OMITTED},
        "required": thin["required"],
        "anyOf": [{"required": event["required"]}, {"required": ["omitted"]}],
    }
