"""Where an institution's platforms listen."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Request, Response

from services.notifier.api.audience import audience_of
from services.notifier.api.context import Context, EndpointId, Here, Reader, Writer
from services.notifier.api.endpoint_body import (
    EndpointAnswer,
    EndpointBody,
    EndpointChanges,
    EndpointList,
    NewEndpointAnswer,
    checked,
    shown,
)
from services.notifier.api.secrets import opened, with_secret
from services.notifier.commands.change_endpoint import change_endpoint
from services.notifier.commands.register_endpoint import register_endpoint
from services.notifier.store import endpoints
from shared.http.app import router
from shared.http.etags import IfMatch, check_version, etag, expected_version
from shared.http.idempotency import Result, once
from shared.http.paging import Asked
from shared.http.problems import NotFound

routes = router("endpoints", "/v1/endpoints")


@routes.post("", status_code=201, response_model=NewEndpointAnswer)
async def register(body: EndpointBody, request: Request, who: Writer, here: Here) -> Response:
    """Register an endpoint. The secret comes with this answer only; replays of it within a day show it again."""
    asked, headers = checked(body, here.policy, audience_of(who))
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            endpoint, secret = await register_endpoint(
                tx,
                who.institution,
                headers=headers,
                sealer=here.sealer,
                now=here.clock(),
                most=here.endpoints_each,
                must_verify=here.must_verify,
                **asked,
            )
            location = {"Location": f"/v1/endpoints/{endpoint.id}", "ETag": etag(endpoint.version)}
            return Result(201, with_secret(endpoint, secret, here), location)

        answer = await once(tx, request, who, command)
    return opened(answer, here)


@routes.get("", response_model=EndpointList)
async def listing(who: Reader, here: Here, asked: Asked) -> Any:
    """The institution's endpoints, oldest first."""
    after = asked.after(UUID)
    async with here.db.tenant(who.institution) as tx:
        rows = await endpoints.listing(tx, after, asked.rows)
    return asked.page(rows, item=shown)


@routes.get("/{endpoint_id}", response_model=EndpointAnswer)
async def one(endpoint_id: EndpointId, response: Response, who: Reader, here: Here) -> Any:
    """One endpoint."""
    async with here.db.tenant(who.institution) as tx:
        found = await endpoints.get(tx, endpoint_id)
    if found is None:
        raise NotFound("there is no such endpoint")
    response.headers["ETag"] = etag(found.version)
    return shown(found)


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
    changes, headers = checked(body, here.policy, audience_of(who))
    expected = expected_version(if_match)
    return await _change(endpoint_id, changes, headers, response, who.institution, here, expected)


@routes.post("/{endpoint_id}/enable", response_model=EndpointAnswer)
async def enable(endpoint_id: EndpointId, response: Response, who: Writer, here: Here) -> Any:
    """Make a disabled or paused endpoint active again, with a clean record."""
    return await _change(endpoint_id, {"state": "active"}, None, response, who.institution, here, None)


async def _change(
    endpoint_id: UUID,
    changes: Mapping[str, Any],
    headers: Mapping[str, str] | None,
    response: Response,
    institution_id: UUID,
    here: Context,
    expected: int | None,
) -> Any:
    async with here.db.tenant(institution_id) as tx:
        endpoint = await change_endpoint(
            tx,
            endpoint_id,
            changes,
            headers=headers,
            expected=expected,
            sealer=here.sealer,
            must_verify=here.must_verify,
        )
        tx.after_commit(here.wake)
    response.headers["ETag"] = etag(endpoint.version)
    return shown(endpoint)


@routes.delete("/{endpoint_id}", status_code=204)
async def remove(endpoint_id: EndpointId, who: Writer, here: Here, if_match: IfMatch = None) -> Response:
    """Remove an endpoint and what waits for it; only the version that `If-Match` names, where it is sent."""
    async with here.db.tenant(who.institution) as tx:
        found = await endpoints.lock(tx, endpoint_id)
        if found is None:
            raise NotFound("there is no such endpoint")
        if if_match is not None:
            check_version(if_match, found.version)
        await endpoints.delete(tx, endpoint_id)
    return Response(status_code=204)
