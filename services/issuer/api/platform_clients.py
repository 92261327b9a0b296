"""The OAuth clients of a platform, which the operator makes and ends: so a secret that leaked can be replaced."""

from uuid import UUID

from fastapi import Request, Response

from services.issuer.api.clients import ClientAnswer, ClientList, NewClientAnswer, shown
from services.issuer.api.context import Here, Operator
from services.issuer.api.secrets import opened, sealed_client
from services.issuer.commands.create_client import create_client
from services.issuer.commands.revoke_client import revoke_client
from services.issuer.domain.errors import Unknown
from services.issuer.domain.scopes import PLATFORM_SCOPES
from services.issuer.store import clients, platforms
from shared.http.app import router
from shared.http.body import Body, Id, Name
from shared.http.idempotency import Result, once
from shared.http.paging import Asked
from shared.postgres.database import Transaction

routes = router("platforms", "/v1/platforms/{platform_id}/clients")


class PlatformClientBody(Body):
    """A further program of the platform."""

    name: Name


@routes.post("", status_code=201, response_model=NewClientAnswer)
async def create(platform_id: Id, body: PlatformClientBody, request: Request, who: Operator, here: Here) -> Response:
    """Admit a program of the platform, with the scopes that platforms have. Its secret is shown this once."""
    async with here.db.worker() as tx:

        async def command() -> Result:
            await platforms.get(tx, platform_id)
            new = await create_client(tx, platform_id, body.name, PLATFORM_SCOPES, now=here.clock())
            return Result(201, {**shown(new.client), **sealed_client(new, here.sealer)})

        answer = await once(tx, request, who, command)
    return opened(answer, here.sealer)


@routes.get("", response_model=ClientList)
async def listing(platform_id: Id, who: Operator, here: Here, asked: Asked) -> object:
    """The platform's clients, newest first."""
    after = asked.after(UUID)
    async with here.db.worker() as tx:
        await platforms.get(tx, platform_id)
        rows = await clients.page(tx, platform_id, after, asked.rows)
    return asked.page(rows, item=shown)


@routes.post("/{client_id}/revoke", response_model=ClientAnswer)
async def revoke(platform_id: Id, client_id: Id, request: Request, who: Operator, here: Here) -> Response:
    """End a client and all its secrets; a token it has runs out by itself."""
    async with here.db.worker() as tx:

        async def command() -> Result:
            await _require_own(tx, platform_id, client_id)
            return Result(200, shown(await revoke_client(tx, client_id, now=here.clock())))

        return await once(tx, request, who, command)


async def _require_own(tx: Transaction, platform_id: UUID, client_id: UUID) -> None:
    await platforms.get(tx, platform_id)
    found = await clients.find(tx, client_id)
    if found is None or found.institution_id != platform_id:
        raise Unknown("There is no such client.")
