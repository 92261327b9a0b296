"""What an endpoint can hear of: every type of event with its schema and an example."""

from functools import cache
from typing import Annotated, Any

import orjson
from fastapi import Path
from pydantic import BaseModel

from services.notifier.domain.content import NAMES, TOLD, Addresses, Audience, body_around, body_of, full_data
from services.notifier.domain.examples import EXAMPLE_AT, EXAMPLES
from services.notifier.domain.payload_schema import description, payload_schema
from services.notifier.domain.rendering import source_of
from shared.events.catalogue import BY_SHORT_NAME
from shared.http.app import router
from shared.http.problems import NotFound

routes = router("event types", "/v1/event-types")
_EXAMPLE_ADDRESSES = Addresses("https://registry.example", "https://verifier.example")


class Variants(BaseModel):
    """For each kind of payload one."""

    thin: dict[str, Any]
    full: dict[str, Any]


class Hearing(BaseModel):
    """How an endpoint hears of a type. `schemas` are JSON Schemas (2020-12) of the Standard Webhooks body, `examples`
    are bodies."""

    cloud_event_type: str
    cloud_event_source: str
    description: str
    schemas: Variants
    examples: Variants


class EventTypeAnswer(Hearing):
    """A type, as an institution's endpoint hears of it, or a platform's where only platforms do. `platform` is how a
    platform's does; null where none can ask for it."""

    name: str
    heard_by: list[Audience]
    platform: Hearing | None


class EventTypeList(BaseModel):
    """All of them."""

    items: list[EventTypeAnswer]


@cache
def _shown(name: str) -> dict[str, Any]:
    hearings = {audience: _hearing(audience, name) for audience, told in TOLD.items() if name in told}
    first = next(iter(hearings.values()))
    return {"name": name, "heard_by": list(hearings), **first, "platform": hearings.get("platform")}


def _hearing(audience: Audience, name: str) -> dict[str, Any]:
    event = EXAMPLES[audience][name]
    full = body_around(name, EXAMPLE_AT, full_data(event, _EXAMPLE_ADDRESSES))
    return {
        "cloud_event_type": BY_SHORT_NAME[name].TYPE,
        "cloud_event_source": source_of(audience, name),
        "description": description(type(event)),
        "schemas": {"thin": payload_schema(audience, name, "thin"), "full": payload_schema(audience, name, "full")},
        "examples": {
            "thin": orjson.loads(body_of(event, EXAMPLE_AT, _EXAMPLE_ADDRESSES)),
            "full": orjson.loads(full),
        },
    }


@routes.get("", response_model=EventTypeList)
async def listing() -> Any:
    """Every type of event that an endpoint can name."""
    return {"items": [_shown(name) for name in NAMES]}


@routes.get("/{name}", response_model=EventTypeAnswer)
async def one(name: Annotated[str, Path(max_length=64, description="The type's short name.")]) -> Any:
    """One type."""
    if name not in NAMES:
        raise NotFound("there is no such event type")
    return _shown(name)
