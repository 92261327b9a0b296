"""Who asks, where a learner does: a token that a claim code was traded for, good for one credential."""

import re
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from services.registry.api.context import Context
from services.registry.domain.claim import TOKEN_PREFIX, digest
from services.registry.store import learner_tokens
from shared.http.body import Id
from shared.http.problems import Forbidden, Unauthorized

_HEADER = re.compile(rf"[Bb]earer +({TOKEN_PREFIX}[A-Za-z0-9_-]{{43}})")


class LearnerToken(SecurityBase):
    """A dependency: the credential of the path, for whoever holds a token of it."""

    model = HTTPBearerModel(bearerFormat="opaque", description="A learner's token, from POST /v1/claims.")
    scheme_name = "learner"

    async def __call__(self, request: Request, credential_id: Id) -> UUID:
        """The credential's id. Raises Unauthorized, Forbidden, Unavailable."""
        here: Context = request.app.state.context
        shown = shown_token(request)
        async with here.db.worker_connection() as connection:
            found = await learner_tokens.find(connection, shown, here.clock())
        if found is None:
            raise Unauthorized("the learner's token is unknown, or has expired")
        if found != credential_id:
            raise Forbidden("the learner's token is for another credential")
        return credential_id


def shown_token(request: Request) -> bytes:
    """The digest of the token that a request shows. Raises Unauthorized."""
    header = request.headers.get("authorization")
    if header is None:
        raise Unauthorized("this needs a learner's token", error=None)
    match = _HEADER.fullmatch(header)
    if match is None:
        raise Unauthorized("Authorization should be: Bearer and a learner's token")
    return digest(match[1])


Learners = Annotated[UUID, Depends(LearnerToken())]
"""The path's credential, whose learner asks."""
