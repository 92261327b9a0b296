"""How learners come to act for their credentials, by a link to the address, and how they cease to."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.registry.api.context import Here
from services.registry.api.learner import Learners, shown_token
from services.registry.commands.claim_credential import claim_credential
from services.registry.domain.claim import TOKEN_LIFETIME, ExpiredCode, UnknownCode, UsedCode
from services.registry.store import claims, learner_tokens
from shared.http.app import router
from shared.http.body import Body, Id
from shared.http.problems import NotFound, Problem

routes = router("claims", "/v1")


class ClaimUsed(Problem, status=410, type="claim-used"):
    """The code of the link has yielded its token. Another link can be asked for."""


class ClaimExpired(Problem, status=410, type="claim-expired"):
    """The link was not used in time. Another can be asked for."""


class AskedAnswer(BaseModel):
    """The same whether or not there is such a credential with an address."""

    status: Literal["accepted"] = "accepted"


class ClaimBody(Body):
    """The code that stands behind the last dot of the link."""

    code: Annotated[str, Field(min_length=1, max_length=100)]


class ClaimAnswer(BaseModel):
    """A token for the routes below `/v1/credentials/{credential_id}`. `expires_in` is in seconds."""

    token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 (RFC 6750)
    expires_in: int = int(TOKEN_LIFETIME.total_seconds())
    credential_id: UUID


@routes.post("/credentials/{credential_id}/claim", status_code=202, summary="Have the learner sent a link")
async def ask(credential_id: Id, here: Here) -> AskedAnswer:
    """A link goes to the address that the credential was issued to, at most one each 5 minutes and five a day."""
    async with here.db.worker_connection() as connection:
        await claims.ask(connection, credential_id)
    return AskedAnswer()


@routes.post("/claims", summary="Trade the code of a link for a token")
async def claim(body: ClaimBody, response: Response, here: Here) -> ClaimAnswer:
    """A code works once. An answer that is lost on the way is not given again: ask for another link then."""
    try:
        async with here.db.worker() as tx:
            claimed = await claim_credential(tx, body.code, now=here.clock())
    except UnknownCode:
        raise NotFound("there is no such code") from None
    except UsedCode:
        raise ClaimUsed("the link was used before; ask for another") from None
    except ExpiredCode:
        raise ClaimExpired("the link has expired; ask for another") from None
    response.headers["Cache-Control"] = "no-store"
    return ClaimAnswer(token=claimed.token, credential_id=claimed.credential_id)


@routes.delete("/credentials/{credential_id}/token", status_code=204, summary="End the token that this is asked with")
async def end_token(credential_id: Learners, request: Request, here: Here) -> Response:
    """What was shared stays shared, and other tokens of the credential stay good. Another link yields another token."""
    async with here.db.worker_connection() as connection:
        await learner_tokens.end(connection, shown_token(request))
    return Response(status_code=204)


@routes.delete("/credentials/{credential_id}/tokens", status_code=204, summary="End every token of the credential")
async def end_tokens(credential_id: Learners, here: Here) -> Response:
    """For a learner who left one somewhere: the token that this is asked with ends as well. What was shared stays
    shared."""
    async with here.db.worker_connection() as connection:
        await learner_tokens.end_all(connection, credential_id)
    return Response(status_code=204)
