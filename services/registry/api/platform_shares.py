"""What a platform was given to show: to reconcile with, and to confirm what it removed."""

from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from pydantic import BaseModel

from services.registry.api.context import Context, Here
from services.registry.commands.confirm_removal import confirm_removal
from services.registry.domain.addresses import Addresses
from services.registry.domain.share import NeverShared, Share, ShareState, StillShared
from services.registry.store import shares
from services.registry.store.shares import Filters
from shared.http.app import router
from shared.http.auth import Principal, operator_or, require
from shared.http.body import Id
from shared.http.idempotency import Result, once
from shared.http.paging import Asked
from shared.http.problems import NotFound, WrongState
from shared.postgres.database import Transaction

routes = router("platform shares", "/v1/shares")
PlatformWriter = Annotated[Principal, Depends(require("shares:write"))]
OperatorOrPlatform = Annotated[Principal, Depends(operator_or("shares:write"))]


class PlatformShareAnswer(BaseModel):
    """A share as its platform sees it. `status` is the credential's. To be confirmed is the removal of what is
    `withdrawn`, or revoked."""

    share_id: UUID
    credential_id: UUID
    credential_url: str
    institution_id: UUID
    platform_id: UUID
    state: Literal["shared", "withdrawn", "removed"]
    status: Literal["active", "suspended", "revoked", "expired"]
    shared_at: datetime
    withdrawn_at: datetime | None
    removed_at: datetime | None

    @classmethod
    def of(cls, share: Share, addresses: Addresses) -> "PlatformShareAnswer":
        """From the rules' value."""
        own = ("credential_url",)
        taken = {name: getattr(share, name) for name in cls.model_fields if name not in own}
        return cls(**taken, credential_url=addresses.credential(share.credential_id))


class PlatformSharePage(BaseModel):
    """A page of shares."""

    items: list[PlatformShareAnswer]
    next: str | None


@routes.get("", summary="What was shared with the platform, newest first")
async def listing(
    who: OperatorOrPlatform,
    here: Here,
    asked: Asked,
    state: Annotated[ShareState | None, Query(description="`withdrawn` are those it has not confirmed.")] = None,
    platform: Annotated[Id | None, Query(description="Only this platform's; for the operator.")] = None,
) -> PlatformSharePage:
    """A platform sees its own; the operator those of all."""
    after = asked.after(UUID)
    async with _transaction(here, who) as tx:
        rows = await shares.page(tx, Filters(platform, state), after, asked.rows)
    body = asked.page(
        rows,
        place=lambda row: [str(row.share_id)],
        item=lambda row: PlatformShareAnswer.of(row, here.addresses),
    )
    return PlatformSharePage(**body)


@routes.post(
    "/{share_id}/removed",
    summary="Confirm that the credential is shown no more",
    response_model=PlatformShareAnswer,
)
async def removed(share_id: Id, request: Request, who: PlatformWriter, here: Here) -> Response:
    """For a share that was withdrawn or whose credential is revoked. A repetition changes nothing."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            try:
                share = await confirm_removal(tx, share_id, now=here.clock())
            except NeverShared:
                raise NotFound("there is no such share") from None
            except StillShared:
                raise WrongState("the learner still shares the credential, and it is not revoked") from None
            return Result(200, PlatformShareAnswer.of(share, here.addresses).model_dump(mode="json"))

        return await once(tx, request, who, command)


def _transaction(here: Context, who: Principal) -> AbstractAsyncContextManager[Transaction]:
    """A platform sees what is its own: the database itself hides the rest."""
    return here.db.worker() if who.is_operator else here.db.tenant(who.institution)
