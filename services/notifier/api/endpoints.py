"""Where an institution's platforms listen."""

from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.notifier.api.context import Context, EndpointId, Here, Reader, Writer
from services.notifier.commands.change_endpoint import StaleVersion, UnknownEndpoint, change_endpoint
from services.notifier.commands.register_endpoint import register_endpoint
from services.notifier.domain.content import NAMES
from services.notifier.domain.endpoint import EVERYTHING, Endpoint
from services.notifier.store import endpoints
from shared.credentials.sealing import Sealed
from shared.http.addresses import UrlRefused
from shared.http.app import router
from shared.http.body import Body, timestamp
from shared.http.etags import IfMatch, etag, expected_version
from shared.http.idempotency import Result, once
from shared.http.paging import DEFAULT_LIMIT, CursorText, Limit, page, place_of
from shared.http.problems import FieldError, InvalidInput, NotFound, PreconditionFailed

routes = router("endpoints", "/v1/endpoints")
_SECRET = "secret"  # noqa: S105 (the name of a field)
EventName = Literal[(*NAMES, EVERYTHING)]  # type: ignore[valid-type]
EventNames = Annotated[list[EventName], Field(min_length=1, max_length=64)]
Url = Annotated[str, Field(min_length=8, max_length=2000, description="https, on port 443 or 8443.")]
Description = Annotated[str, Field(max_length=500)]


class EndpointBody(Body):
    """An endpoint to register. `events` are short names such as `credential.issued`, or `*` for all."""

    url: Url
    events: EventNames
    description: Description | None = None
    payload: Literal["thin"] = Field("thin", description="Ids, links and status; no documents.")


class EndpointChanges(Body):
    """What to change; what is not named stays. `state` pauses an endpoint or makes it active again."""

    url: Url = Field(default_factory=str)
    events: EventNames = Field(default_factory=list)
    description: Description | None = None
    state: Literal["active", "paused"] = Field(default_factory=lambda: "active")


class EndpointAnswer(BaseModel):
    """An endpoint. `failing_since` tells since when every attempt failed."""

    id: UUID
    url: str
    events: list[str]
    description: str | None
    payload: Literal["thin"]
    state: Literal["active", "paused", "disabled"]
    disabled_reason: str | None
    failing_since: str | None
    created_at: str


class NewEndpointAnswer(EndpointAnswer):
    """An endpoint with its signing secret, which is shown this once."""

    secret: str


class EndpointList(BaseModel):
    """One page."""

    items: list[EndpointAnswer]
    next: str | None


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": str(endpoint.id),
        "url": endpoint.url,
        "events": endpoint.events,
        "description": endpoint.description,
        "payload": "thin",
        "state": endpoint.state,
        "disabled_reason": endpoint.disabled_reason,
        "failing_since": timestamp(endpoint.failing_since) if endpoint.failing_since else None,
        "created_at": timestamp(endpoint.created_at),
    }


def _check_url(url: str, here: Context) -> None:
    try:
        here.policy.check_url(url)
    except UrlRefused as error:
        raise InvalidInput(errors=[FieldError(error.code, error.detail, pointer="#/url")]) from None


@routes.post("", status_code=201, response_model=NewEndpointAnswer)
async def register(body: EndpointBody, request: Request, who: Writer, here: Here) -> Response:
    """Register an endpoint. The secret comes with this answer only; replays of it within a day show it again."""
    _check_url(body.url, here)
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            endpoint, secret = await register_endpoint(
                tx,
                who.institution,
                url=body.url,
                events=list(dict.fromkeys(body.events)),
                description=body.description,
                sealer=here.sealer,
                now=here.clock(),
            )
            sealed = here.sealer.seal(secret.encode(), "idempotency", endpoint.id)
            shown = {**_shown(endpoint), _SECRET: sealed.ciphertext.hex(), "kek_id": sealed.kek_id}
            return Result(201, shown, {"Location": f"/v1/endpoints/{endpoint.id}", "ETag": etag(endpoint.version)})

        answer = await once(tx, request, who, command)
    return _opened(answer, here)


def _opened(answer: Response, here: Context) -> Response:
    """The stored answer holds the secret sealed, so that no copy of it lies in the clear."""
    body = orjson.loads(answer.body)
    sealed = Sealed(bytes.fromhex(body[_SECRET]), body.pop("kek_id"))
    body[_SECRET] = here.sealer.unseal(sealed, "idempotency", body["id"]).decode()
    headers = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
    return Response(orjson.dumps(body), answer.status_code, headers, media_type="application/json")


@routes.get("", response_model=EndpointList)
async def listing(
    request: Request,
    response: Response,
    who: Reader,
    here: Here,
    limit: Limit = DEFAULT_LIMIT,
    cursor: CursorText = None,
) -> Any:
    """The institution's endpoints, oldest first."""
    place = place_of(request, cursor)
    async with here.db.tenant(who.institution) as tx:
        rows = await endpoints.listing(tx, UUID(place[0]) if place else None, limit + 1)
    return page(request, response, rows, limit, place=lambda row: [str(row.id)], item=_shown)


@routes.get("/{endpoint_id}", response_model=EndpointAnswer)
async def one(endpoint_id: EndpointId, response: Response, who: Reader, here: Here) -> Any:
    """One endpoint."""
    async with here.db.tenant(who.institution) as tx:
        found = await endpoints.get(tx, endpoint_id)
    if found is None:
        raise NotFound("there is no such endpoint")
    response.headers["ETag"] = etag(found.version)
    return _shown(found)


@routes.patch("/{endpoint_id}", response_model=EndpointAnswer)
async def change(
    endpoint_id: EndpointId,
    body: EndpointChanges,
    response: Response,
    who: Writer,
    here: Here,
    if_match: IfMatch = None,
) -> Any:
    """Change an endpoint; what waits for one that is made active again is sent at once."""
    changes = body.model_dump(exclude_unset=True)
    if "url" in changes:
        _check_url(body.url, here)
    if "events" in changes:
        changes["events"] = list(dict.fromkeys(body.events))
    return await _change(endpoint_id, changes, response, who.institution, here, expected_version(if_match))


@routes.post("/{endpoint_id}/enable", response_model=EndpointAnswer)
async def enable(endpoint_id: EndpointId, response: Response, who: Writer, here: Here) -> Any:
    """Make a disabled or paused endpoint active again, with a clean record."""
    return await _change(endpoint_id, {"state": "active"}, response, who.institution, here, None)


async def _change(
    endpoint_id: UUID,
    changes: dict[str, Any],
    response: Response,
    institution_id: UUID,
    here: Context,
    expected: int | None,
) -> Any:
    try:
        async with here.db.tenant(institution_id) as tx:
            endpoint = await change_endpoint(tx, endpoint_id, changes, expected=expected)
            tx.after_commit(here.wake)
    except UnknownEndpoint:
        raise NotFound("there is no such endpoint") from None
    except StaleVersion:
        raise PreconditionFailed("the endpoint was changed meanwhile; fetch it again") from None
    response.headers["ETag"] = etag(endpoint.version)
    return _shown(endpoint)


@routes.delete("/{endpoint_id}", status_code=204)
async def remove(endpoint_id: EndpointId, who: Writer, here: Here) -> Response:
    """Remove an endpoint and what waits for it."""
    async with here.db.tenant(who.institution) as tx:
        if not await endpoints.delete(tx, endpoint_id):
            raise NotFound("there is no such endpoint")
    return Response(status_code=204)
