"""Trying out an endpoint: the challenge that verifies it, and test events."""

from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

from services.notifier.api.audience import audience_of, never_told
from services.notifier.api.context import EndpointId, Here, Writer
from services.notifier.api.endpoint_body import EndpointAnswer, shown
from services.notifier.api.messages import TypeName
from services.notifier.commands.send_test import send_test
from services.notifier.commands.verify_endpoint import verify_endpoint
from shared.http.app import router
from shared.http.body import Body
from shared.http.etags import etag
from shared.http.idempotency import Result, once
from shared.http.problems import InvalidInput

routes = router("endpoints", "/v1/endpoints")


class TestBody(Body):
    """Which type of event to send an example of."""

    type: TypeName


class TestAnswer(BaseModel):
    """The message that carries the example."""

    message_id: str


@routes.post("/{endpoint_id}/verify", response_model=EndpointAnswer)
async def verify(endpoint_id: EndpointId, response: Response, who: Writer, here: Here) -> Any:
    """Send the endpoint a signed challenge, to be answered at once with `{"challenge": …}`. One that was unverified is
    active when it did."""
    endpoint = await verify_endpoint(
        here.db,
        who.institution,
        endpoint_id,
        client=here.platforms,
        timeout=here.timeout,
        sealer=here.sealer,
        clock=here.clock,
    )
    here.wake()
    response.headers["ETag"] = etag(endpoint.version)
    return shown(endpoint)


@routes.post("/{endpoint_id}/test", status_code=202, response_model=TestAnswer)
async def test(endpoint_id: EndpointId, body: TestBody, request: Request, who: Writer, here: Here) -> Response:
    """Send an example of an event, with `"test": true` in its data, to this endpoint alone. Filters do not count."""
    audience = audience_of(who)
    if errors := never_told([body.type], audience, "#/type"):
        raise InvalidInput(errors[0].detail, errors=errors)
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            message = await send_test(
                tx, who.institution, endpoint_id, body.type, audience, addresses=here.addresses, now=here.clock()
            )
            return Result(202, {"message_id": message})

        answer = await once(tx, request, who, command)
        tx.after_commit(here.wake)
    return answer
