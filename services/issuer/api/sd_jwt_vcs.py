"""SD-JWT VCs: credentials as plain claims in a token, of which the holder shows a part."""

from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.issuer.api.context import CredentialWriter, Here
from services.issuer.api.fields import CamelBody, Did
from services.issuer.commands.secure_sd_jwt_vc import SdJwtVcOrder
from shared.credentials import Algorithm, PublicKey, decode_jwk
from shared.http.app import router
from shared.http.body import Moment
from shared.http.idempotency import Result, once
from shared.http.problems import FieldError, InvalidInput

routes = router("sd-jwt-vcs", "/v1/sd-jwt-vcs")
Pointer = Annotated[str, Field(max_length=2000)]


class SdJwtVcBody(CamelBody):
    """`claims` are the credential's, `vct` among them; its issuer, its times and its holder's key are put in here.

    `disclosable` are JSON pointers into the claims, `holder` is a public JSON Web Key.
    """

    claims: Annotated[dict[str, Any], Field(min_length=1)]
    disclosable: Annotated[list[Pointer], Field(max_length=200)] = Field(default_factory=list)
    holder: Annotated[dict[str, Any], Field(min_length=1)] | None = None
    issuer: Did | None = None
    algorithm: Algorithm | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None


class SdJwtVcAnswer(BaseModel):
    """The token with all its disclosures, for its holder."""

    sd_jwt_vc: str = Field(alias="sdJwtVc")


@routes.post("", status_code=201, response_model=SdJwtVcAnswer)
async def secure(body: SdJwtVcBody, request: Request, who: CredentialWriter, here: Here) -> Response:
    """Secure claims as an SD-JWT VC (`dc+sd-jwt`). It is kept here, and not put into the public registry."""
    order = SdJwtVcOrder(
        institution_id=who.institution,
        claims=body.claims,
        disclosable=body.disclosable,
        issuer=body.issuer,
        algorithm=body.algorithm,
        holder=_key(body.holder),
        valid_from=body.valid_from,
        valid_until=body.valid_until,
    )
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            return Result(201, {"sdJwtVc": await here.sd_jwt_vcs.secure(tx, order, now=here.clock())})

        return await once(tx, request, who, command)


def _key(jwk: dict[str, Any] | None) -> PublicKey | None:
    try:
        return None if jwk is None else decode_jwk(jwk)
    except ValueError as error:
        raise InvalidInput(str(error), errors=[FieldError("invalid-value", str(error), pointer="#/holder")]) from None
