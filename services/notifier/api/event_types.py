"""What an endpoint can hear of: every type of event with its schema and an example."""

from functools import cache
from typing import Annotated, Any

import orjson
from fastapi import Path
from pydantic import BaseModel

from services.notifier.domain.content import NAMES, Addresses, body_around, body_of, full_data
from services.notifier.domain.examples import EXAMPLE_AT, EXAMPLES
from services.notifier.domain.payload_schema import description, payload_schema
from shared.events.catalogue import BY_SHORT_NAME
from shared.events.envelope import Event
from shared.http.app import router
from shared.http.problems import NotFound

routes = router("event types", "/v1/event-types")
_EXAMPLE_ADDRESSES = Addresses("https://registry.example", "https://verifier.example")


class Variants(BaseModel):
    """For each kind of payload one."""

    thin: dict[str, Any]
    full: dict[str, Any]


class EventTypeAnswer(BaseModel):
    """A type. `schemas` are JSON Schemas (2020-12) of the Standard Webhooks body, `examples` are bodies."""

    name: str
    cloud_event_type: str
    description: str
    schemas: Variants
    examples: Variants


class EventTypeList(BaseModel):
    """All of them."""

    items: list[EventTypeAnswer]


@cache
def _shown(kind: type[Event]) -> dict[str, Any]:
    name = kind.short_name()
    event = EXAMPLES[name]
    full = body_around(name, EXAMPLE_AT, full_data(event, _EXAMPLE_ADDRESSES))
    return {
        "name": name,
        "cloud_event_type": kind.TYPE,
        "description": description(kind),
        "schemas": {"thin": payload_schema(kind, "thin"), "full": payload_schema(kind, "full")},
        "examples": {
            "thin": orjson.loads(body_of(event, EXAMPLE_AT, _EXAMPLE_ADDRESSES)),
            "full": orjson.loads(full),
        },
    }


@routes.get("", response_model=EventTypeList)
async def listing() -> Any:
    """Every type of event that an endpoint can name."""
    return {"items": [_shown(BY_SHORT_NAME[name]) for name in NAMES]}


@routes.get("/{name}", response_model=EventTypeAnswer)
async def one(name: Annotated[str, Path(max_length=64, description="The type's short name.")]) -> Any:
    """One type."""
    if name not in NAMES:
        raise NotFound("there is no such event type")
    return _shown(BY_SHORT_NAME[name])
