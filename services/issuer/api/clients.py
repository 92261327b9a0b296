"""An institution's OAuth clients and their secrets, of which two may live at once so that one can replace the other."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.issuer.api.context import Here, InstitutionWriter
from services.issuer.api.institutions import ClientCredentials
from services.issuer.api.secrets import opened, sealed_client
from services.issuer.commands.create_client import create_client
from services.issuer.commands.revoke_client import revoke_client
from services.issuer.commands.rotate_client_secret import add_client_secret, revoke_client_secret
from services.issuer.domain.client import Client
from services.issuer.domain.errors import Unknown
from services.issuer.domain.scopes import INSTITUTION_SCOPES
from services.issuer.store import clients
from shared.http.app import router
from shared.http.body import Body, Id, Name, timestamp
from shared.http.idempotency import Result, once
from shared.http.paging import Asked

routes = router("clients", "/v1/clients")
Scope = Annotated[str, Field(pattern="^(" + "|".join(INSTITUTION_SCOPES) + ")$")]


class ClientBody(Body):
    """A program to admit. Without `scopes` it may do everything that the institution may."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)] | None = None


class SecretAnswer(BaseModel):
    """What is known of a live secret."""

    id: UUID
    last_four: str
    created_at: str
    last_used_at: str | None


class ClientAnswer(BaseModel):
    """A client with its live secrets."""

    client_id: UUID
    name: str
    scopes: list[str]
    created_at: str
    revoked_at: str | None
    secrets: list[SecretAnswer]


class NewClientAnswer(ClientAnswer, ClientCredentials):
    """A client with a new secret, which is shown this once."""


class ClientList(BaseModel):
    """One page."""

    items: list[ClientAnswer]
    next: str | None


@routes.post("", status_code=201, response_model=NewClientAnswer)
async def create(body: ClientBody, request: Request, who: InstitutionWriter, here: Here) -> Response:
    """Admit a program of the institution."""
    scopes = [scope for scope in INSTITUTION_SCOPES if body.scopes is None or scope in body.scopes]
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            new = await create_client(tx, who.institution, body.name, scopes, now=here.clock())
            return Result(201, {**shown(new.client), **sealed_client(new, here.sealer)})

        answer = await once(tx, request, who, command)
    return opened(answer, here.sealer)


@routes.get("", response_model=ClientList)
async def listing(who: InstitutionWriter, here: Here, asked: Asked) -> Any:
    """The institution's clients, newest first; secrets by their last four characters."""
    after = asked.after(UUID)
    async with here.db.tenant(who.institution) as tx:
        rows = await clients.page(tx, who.institution, after, asked.rows)
    return asked.page(rows, item=shown)


@routes.get("/{client_id}", response_model=ClientAnswer)
async def one(client_id: Id, who: InstitutionWriter, here: Here) -> Any:
    """One client."""
    async with here.db.tenant(who.institution) as tx:
        found = await clients.find(tx, client_id)
    if found is None:
        raise Unknown("There is no such client.")
    return shown(found)


@routes.post("/{client_id}/secrets", status_code=201, response_model=NewClientAnswer)
async def add_secret(client_id: Id, request: Request, who: InstitutionWriter, here: Here) -> Response:
    """Give the client a second secret, to be put in place before the first is revoked."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            new = await add_client_secret(tx, client_id, now=here.clock())
            return Result(201, {**shown(new.client), **sealed_client(new, here.sealer)})

        answer = await once(tx, request, who, command)
    return opened(answer, here.sealer)


@routes.delete("/{client_id}/secrets/{secret_id}", status_code=204)
async def revoke_secret(client_id: Id, secret_id: Id, who: InstitutionWriter, here: Here) -> Response:
    """End one secret. Tokens that it was traded for run out by themselves."""
    async with here.db.tenant(who.institution) as tx:
        await revoke_client_secret(tx, client_id, secret_id, now=here.clock())
    return Response(status_code=204)


@routes.post("/{client_id}/revoke", response_model=ClientAnswer)
async def revoke(client_id: Id, request: Request, who: InstitutionWriter, here: Here) -> Response:
    """End a client and all its secrets."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            return Result(200, shown(await revoke_client(tx, client_id, now=here.clock())))

        return await once(tx, request, who, command)


def shown(client: Client) -> dict[str, Any]:
    """A client as answers have it, without a secret in the clear."""
    return {
        "client_id": str(client.id),
        "name": client.name,
        "scopes": list(client.scopes),
        "created_at": timestamp(client.created_at),
        "revoked_at": timestamp(client.revoked_at) if client.revoked_at else None,
        "secrets": [
            {
                "id": str(secret.id),
                "last_four": secret.last_four,
                "created_at": timestamp(secret.created_at),
                "last_used_at": timestamp(secret.last_used_at) if secret.last_used_at else None,
            }
            for secret in client.secrets
        ],
    }
