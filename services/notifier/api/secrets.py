"""The signing secret of an endpoint: shown when it is made, and replaced."""

from datetime import timedelta
from typing import Annotated, Any

import orjson
from fastapi import Request, Response
from pydantic import Field

from services.notifier.api.context import Context, EndpointId, Here, Writer
from services.notifier.api.endpoint_body import NewEndpointAnswer, shown
from services.notifier.commands.rotate_secret import rotate_secret
from services.notifier.domain.endpoint import Endpoint
from shared.credentials.sealing import Sealed
from shared.http.app import router
from shared.http.body import Body
from shared.http.etags import etag
from shared.http.idempotency import Result, once

routes = router("endpoints", "/v1/endpoints")
_SECRET = "secret"  # noqa: S105 (the name of a field)
DAY, WEEK = 86_400, 604_800


class SecretRotation(Body):
    """For how many seconds old secrets stay valid beside the new one, at most; 0 ends them all at once."""

    grace_seconds: Annotated[int, Field(ge=0, le=WEEK)] = DAY


@routes.post("/{endpoint_id}/secret/rotate", response_model=NewEndpointAnswer)
async def rotate(
    endpoint_id: EndpointId, request: Request, who: Writer, here: Here, body: SecretRotation | None = None
) -> Response:
    """Give an endpoint a new secret, and a new key pair where it asks for `v1a`. Messages are signed with the old ones
    too until the grace is over, which shortens longer ones; three old ones at most, unless it is 0 and ends them."""
    grace = timedelta(seconds=(body or SecretRotation()).grace_seconds)
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            endpoint, secret = await rotate_secret(tx, endpoint_id, grace, sealer=here.sealer, now=here.clock())
            return Result(200, with_secret(endpoint, secret, here), {"ETag": etag(endpoint.version)})

        answer = await once(tx, request, who, command)
    return opened(answer, here)


def with_secret(endpoint: Endpoint, secret: str, here: Context) -> dict[str, Any]:
    """The answer with the secret sealed, as it is stored for repetitions, so that no copy of it lies in the clear."""
    sealed = here.sealer.seal(secret.encode(), "idempotency", endpoint.id)
    return {**shown(endpoint), _SECRET: sealed.ciphertext.hex(), "kek_id": sealed.kek_id}


def opened(answer: Response, here: Context) -> Response:
    """The stored answer with the secret as the platform needs it."""
    body = orjson.loads(answer.body)
    sealed = Sealed(bytes.fromhex(body[_SECRET]), body.pop("kek_id"))
    body[_SECRET] = here.sealer.unseal(sealed, "idempotency", body["id"]).decode()
    headers = {name: value for name, value in answer.headers.items() if name not in ("content-length", "content-type")}
    return Response(orjson.dumps(body), answer.status_code, headers, media_type="application/json")
