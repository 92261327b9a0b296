"""An institution's signing keys: listed, rotated, declared compromised."""

from typing import Any, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel

from services.issuer.api.context import Here, InstitutionWriter, Member
from services.issuer.api.fields import Reason
from services.issuer.commands.rotate_key import add_key, compromise_key, rotate_key
from services.issuer.domain.signing_key import SigningKey
from services.issuer.store import signing_keys
from shared.credentials import Algorithm
from shared.http.app import router
from shared.http.body import Body, Id, Moment, timestamp
from shared.http.idempotency import Result, once

routes = router("keys", "/v1/keys")


class CompromiseBody(Reason):
    """`compromised_at`: since when others may hold the key; now, unless given."""

    compromised_at: Moment | None = None


class KeyBody(Body):
    """A key to make."""

    algorithm: Algorithm


class RotateBody(Body):
    """Which key to replace: the one of this algorithm."""

    algorithm: Algorithm = "Ed25519"


class KeyAnswer(BaseModel):
    """The public half of a key."""

    id: UUID
    algorithm: Algorithm
    verification_method: str
    did_key: str
    public_key_multibase: str
    state: Literal["active", "retired", "compromised"]
    activated_at: str
    retired_at: str | None
    compromised_at: str | None
    compromised_reason: str | None


class KeyList(BaseModel):
    """All keys there ever were; they are few."""

    items: list[KeyAnswer]
    next: str | None


@routes.get("", response_model=KeyList)
async def listing(who: Member, here: Here) -> Any:
    """Every key of the institution, oldest first."""
    async with here.db.tenant(who.institution) as tx:
        keys = await signing_keys.of_institutions(tx, [who.institution])
    return {"items": [_shown(key) for key in keys], "next": None}


@routes.post("", status_code=201, response_model=KeyAnswer)
async def add(body: KeyBody, request: Request, who: InstitutionWriter, here: Here) -> Response:
    """Make the institution's first key of an algorithm: P-256 or P-384 for the ecdsa cryptosuites and ES256."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            key = await add_key(tx, who.institution, body.algorithm, sealer=here.sealer, clock=here.clock)
            return Result(201, _shown(key), {"Location": f"{here.addresses.issuer}/v1/keys"})

        return await once(tx, request, who, command)


@routes.post("/rotate", response_model=KeyAnswer)
async def rotate(request: Request, who: InstitutionWriter, here: Here, body: RotateBody | None = None) -> Response:
    """Retire the active key and activate a new one, which is answered. What the old one signed stays good."""
    async with here.db.tenant(who.institution) as tx:
        algorithm = (body or RotateBody()).algorithm

        async def command() -> Result:
            key = await rotate_key(tx, who.institution, algorithm, sealer=here.sealer, clock=here.clock)
            return Result(200, _shown(key))

        return await once(tx, request, who, command)


@routes.post("/{key_id}/compromise", response_model=KeyAnswer)
async def compromise(
    key_id: Id, body: CompromiseBody, request: Request, who: InstitutionWriter, here: Here
) -> Response:
    """Declare a key compromised: what it signed since then is no longer believed. The active key gets a successor."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            key = await compromise_key(
                tx, key_id, body.compromised_at, body.reason, sealer=here.sealer, clock=here.clock
            )
            return Result(200, _shown(key))

        return await once(tx, request, who, command)


def _shown(key: SigningKey) -> dict[str, Any]:
    return {
        "id": str(key.id),
        "algorithm": key.algorithm,
        "verification_method": key.verification_method,
        "did_key": key.did_key,
        "public_key_multibase": key.public_key_multibase,
        "state": key.state,
        "activated_at": timestamp(key.activated_at),
        "retired_at": timestamp(key.retired_at) if key.retired_at else None,
        "compromised_at": timestamp(key.compromised_at) if key.compromised_at else None,
        "compromised_reason": key.compromised_reason,
    }
