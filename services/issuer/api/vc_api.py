"""The issuer's and the status service's part of the VC-API (W3C VCALM 1.0), at its own paths."""

from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response
from pydantic import BaseModel, Field

from services.issuer.api.context import CredentialWriter, Here
from services.issuer.api.fields import CamelBody
from services.issuer.commands.secure_credential import SecureOrder, StatusOrder, set_status
from services.issuer.domain.credential import ListPurpose, Purpose
from shared.credentials import AnyCryptosuite
from shared.http.app import router
from shared.http.body import Moment
from shared.http.idempotency import Result, once
from shared.http.vcalm import TAG, known_options

routes = router(TAG, "/credentials")
Pointer = Annotated[str, Field(max_length=2000)]
Message = Annotated[str, Field(min_length=1, max_length=200)]
Hexadecimal = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{1,2}$")]
CredentialName = Annotated[str, Field(min_length=1, max_length=2000)]


class IssueOptions(CamelBody):
    """How to secure it. Options that are not here are refused, as VCALM asks."""

    cryptosuite: AnyCryptosuite | None = None
    mandatory_pointers: Annotated[list[Pointer], Field(max_length=50)] = Field(default_factory=list)
    credential_id: CredentialName | None = None
    expires: Moment | None = None
    envelope: Literal["vc+jwt", "vc+sd-jwt"] | None = None
    disclosable: Annotated[list[Pointer], Field(max_length=200)] = Field(default_factory=list)
    status_purposes: Annotated[list[Purpose], Field(max_length=2)] = Field(default_factory=list)
    status_messages: Annotated[list[Message], Field(max_length=64)] = Field(default_factory=list)


class IssueRequest(CamelBody):
    """A credential without a proof. Its issuer is the institution's DID, or the did:key of one of its keys."""

    credential: Annotated[dict[str, Any], Field(min_length=1)]
    options: IssueOptions = Field(default_factory=IssueOptions)


class IssueAnswer(BaseModel):
    """The credential with its proof."""

    verifiable_credential: dict[str, Any] = Field(alias="verifiableCredential")


class StatusChange(CamelBody):
    """Which of the credential's statuses is meant: its purpose, or the whole entry as the credential has it."""

    id: CredentialName | None = None
    type: Literal["BitstringStatusListEntry", "BitstringStatusList"] = "BitstringStatusListEntry"
    status_purpose: ListPurpose
    status_list_index: CredentialName | None = None
    status_list_credential: CredentialName | None = None


class StatusRequest(CamelBody):
    """`credentialId` is what the credential was issued by: `options.credentialId`, or its own id.

    `status` is true or false, or of a list of messages the number of the one that holds, as `0x1`.
    """

    credential_id: CredentialName
    credential_status: StatusChange
    status: bool | Hexadecimal
    index_allocator: CredentialName | None = Field(
        None, description="Taken for clients that send one; a position was allotted when the credential was issued."
    )


@routes.post("/issue", status_code=201, response_model=IssueAnswer, dependencies=[Depends(known_options(IssueOptions))])
async def issue(body: IssueRequest, request: Request, who: CredentialWriter, here: Here) -> Response:
    """Secure any W3C credential, 2.0 or 1.1, as it is given. It is kept here, and not put into the public registry."""
    options = body.options
    order = SecureOrder(
        institution_id=who.institution,
        credential=body.credential,
        cryptosuite=options.cryptosuite or ("ecdsa-sd-2023" if options.mandatory_pointers else None),
        mandatory_pointers=options.mandatory_pointers,
        credential_id=options.credential_id,
        expires=options.expires,
        envelope=options.envelope,
        disclosable=options.disclosable,
        status_purposes=options.status_purposes,
        status_messages=options.status_messages,
    )
    async with AsyncExitStack() as stack:
        positions = None
        if order.status_purposes:
            positions = await stack.enter_async_context(here.positions.lend(who.institution))
        tx = await stack.enter_async_context(here.db.tenant(who.institution))

        async def command() -> Result:
            signed = await here.securer.secure_credential(tx, order, positions, now=here.clock())
            return Result(201, {"verifiableCredential": signed})

        return await once(tx, request, who, command)


@routes.post("/status", response_class=Response, responses={200: {"description": "The status is set."}})
async def status(body: StatusRequest, request: Request, who: CredentialWriter, here: Here) -> Response:
    """Set or clear a status of a credential that was issued with `options.statusPurposes`."""
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            meant = body.credential_status
            value = body.status if isinstance(body.status, bool) else int(body.status, 16)
            order = StatusOrder(
                body.credential_id, meant.status_purpose, value, meant.status_list_credential, meant.status_list_index
            )
            await set_status(tx, order, here.addresses, now=here.clock())
            return Result(200, {})

        return await once(tx, request, who, command)
