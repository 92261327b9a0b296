"""Credentials: issued, fetched, listed, revoked, suspended, reinstated."""

from typing import Any, Literal
from uuid import UUID

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from services.issuer.api.context import Context, CredentialReader, CredentialWriter, Here
from services.issuer.api.credential_body import IssueBody
from services.issuer.api.fields import Did, Reason
from services.issuer.commands.change_status import change_status
from services.issuer.domain.credential import Action, Credential, ShownStatus
from services.issuer.domain.recipient import Recipient
from services.issuer.store import credentials
from services.issuer.store.credentials import Filters
from shared.http.app import router
from shared.http.auth import Principal
from shared.http.body import Email, Id, Moment, timestamp
from shared.http.etags import etag
from shared.http.idempotency import Result, once
from shared.http.paging import Asked
from shared.http.problems import FieldError, InvalidInput

routes = router("credentials", "/v1/credentials")


class RecipientAnswer(BaseModel):
    """The learner as the document names them: a DID, or the salted hash of an e-mail address."""

    kind: Literal["email", "did"]
    identity: str


class Links(BaseModel):
    """Where the public finds the credential, where it can be verified, and the status lists that it is in."""

    registry: str
    verify: str
    revocation_list: str
    suspension_list: str


class CredentialAnswer(BaseModel):
    """The record of a credential, without the document."""

    id: UUID
    status: ShownStatus
    version: int
    achievement: UUID
    revision: int
    recipient: RecipientAnswer
    valid_until: str | None
    issued_at: str
    changed_at: str
    reason: str | None
    links: Links


class SignedAnswer(CredentialAnswer):
    """The record with the signed OpenBadgeCredential."""

    credential: dict[str, Any]


class CredentialList(BaseModel):
    """One page."""

    items: list[CredentialAnswer]
    next: str | None


@routes.post("", status_code=201, response_model=SignedAnswer)
async def issue(body: IssueBody, request: Request, who: CredentialWriter, here: Here) -> Response:
    """Sign and record a credential. It is public at `links.registry` a moment later."""
    order = body.order(who.institution)
    async with here.positions.lend(who.institution) as positions, here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            issued = await here.issuer.issue_credential(tx, order, positions, now=here.clock())
            location = f"{here.addresses.issuer}/v1/credentials/{issued.credential.id}"
            return Result(201, _signed(issued.credential, issued.document, here), {"Location": location, "ETag": '"1"'})

        return await once(tx, request, who, command)


@routes.get("", response_model=CredentialList)
async def listing(
    who: CredentialReader,
    here: Here,
    asked: Asked,
    achievement: Id | None = None,
    status: ShownStatus | None = None,
    issued_since: Moment | None = None,
    issued_until: Moment | None = None,
    recipient_email: Email | None = None,
    recipient_did: Did | None = None,
) -> Any:
    """The institution's credentials, newest first. `issued_until` itself is left out."""
    indexes = _recipient_indexes(recipient_email, recipient_did, here)
    filters = Filters(achievement, status, issued_since, issued_until, indexes)
    after = asked.after(UUID)
    async with here.db.tenant(who.institution) as tx:
        rows = await credentials.page(tx, who.institution, filters, after, asked.rows)
    return asked.page(rows, item=lambda row: _shown(row, here))


@routes.get("/{credential_id}", response_model=SignedAnswer)
async def one(credential_id: Id, who: CredentialReader, here: Here) -> Response:
    """One credential with the signed document."""
    async with here.db.tenant(who.institution) as tx:
        credential, document = await credentials.get(tx, credential_id)
    return Result(200, _signed(credential, document, here), {"ETag": etag(credential.version)}).response()


@routes.post("/{credential_id}/revoke", response_model=CredentialAnswer)
async def revoke(credential_id: Id, body: Reason, request: Request, who: CredentialWriter, here: Here) -> Response:
    """Void a credential for ever."""
    return await _change("revoke", credential_id, body, request, who, here)


@routes.post("/{credential_id}/suspend", response_model=CredentialAnswer)
async def suspend(credential_id: Id, body: Reason, request: Request, who: CredentialWriter, here: Here) -> Response:
    """Void a credential until it is reinstated."""
    return await _change("suspend", credential_id, body, request, who, here)


@routes.post("/{credential_id}/reinstate", response_model=CredentialAnswer)
async def reinstate(credential_id: Id, body: Reason, request: Request, who: CredentialWriter, here: Here) -> Response:
    """End a suspension."""
    return await _change("reinstate", credential_id, body, request, who, here)


async def _change(
    action: Action, credential_id: UUID, body: Reason, request: Request, who: Principal, here: Context
) -> Response:
    async with here.db.tenant(who.institution) as tx:

        async def command() -> Result:
            changed = await change_status(
                tx, credential_id, action, body.reason, addresses=here.addresses, now=here.clock()
            )
            return Result(200, _shown(changed, here), {"ETag": etag(changed.version)})

        return await once(tx, request, who, command)


def _recipient_indexes(email: str | None, did: str | None, here: Context) -> list[bytes] | None:
    if email is None and did is None:
        return None
    if email is not None and did is not None:
        detail = "give recipient_email or recipient_did, not both"
        raise InvalidInput(detail, errors=[FieldError("conflicting-fields", detail, parameter="recipient_did")])
    return here.recipients.indexes(Recipient.of(email=email, did=did))


def _signed(credential: Credential, document: bytes, here: Context) -> dict[str, Any]:
    """The document goes out as the very bytes that were stored, without being parsed again."""
    return {**_shown(credential, here), "credential": orjson.Fragment(document)}


def _shown(credential: Credential, here: Context) -> dict[str, Any]:
    return {
        "id": str(credential.id),
        "status": credential.shown_status,
        "version": credential.version,
        "achievement": str(credential.achievement_id),
        "revision": credential.revision,
        "recipient": {"kind": credential.recipient_kind, "identity": credential.recipient_id},
        "valid_until": timestamp(credential.valid_until) if credential.valid_until else None,
        "issued_at": timestamp(credential.issued_at),
        "changed_at": timestamp(credential.changed_at),
        "reason": credential.reason,
        "links": {
            "registry": here.addresses.credential(credential.id),
            "verify": here.addresses.verification(),
            "revocation_list": here.addresses.status_list(credential.revocation.list_id),
            "suspension_list": here.addresses.status_list(credential.suspension.list_id),
        },
    }
