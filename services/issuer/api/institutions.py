"""Institutions: admitted and suspended by the operator, described by themselves; their DID documents are public."""

from contextlib import AbstractAsyncContextManager
from typing import Any, Literal
from uuid import UUID

from fastapi import Request, Response
from pydantic import BaseModel, Field

from services.issuer.api.context import Context, Here, Operator, OperatorOrInstitutionWriter
from services.issuer.api.fields import Link, OrganizationId, Reason
from services.issuer.api.secrets import opened, sealed_client
from services.issuer.commands.register_institution import register_institution
from services.issuer.commands.suspend_institution import suspend_institution
from services.issuer.commands.update_institution import update_institution
from services.issuer.domain.institution import Institution, Profile
from services.issuer.store import institutions
from shared.http.app import router
from shared.http.auth import Authenticated, Principal
from shared.http.body import Body, Email, Id, Name, Slug, timestamp
from shared.http.etags import IfMatch, etag, expected_version
from shared.http.idempotency import Result, once
from shared.http.paging import Asked
from shared.postgres.database import Transaction

routes = router("institutions", "/v1/institutions")


class InstitutionBody(Body):
    """An institution to admit."""

    slug: Slug
    name: Name
    url: Link
    email: Email
    image: Link | None = None
    linkedin_organization_id: OrganizationId | None = None


class ProfileChanges(Body):
    """The fields to replace. Null removes the image, or the number at LinkedIn; other fields cannot be null."""

    name: Name = Field(default_factory=str)
    url: Link = Field(default_factory=str)
    email: Email = Field(default_factory=str)
    image: Link | None = None
    linkedin_organization_id: OrganizationId | None = None


class ClientCredentials(BaseModel):
    """The secret is shown here and never again."""

    client_id: UUID
    client_secret: str


class InstitutionAnswer(BaseModel):
    """An institution."""

    id: UUID
    slug: str
    did: str
    name: str
    url: str
    email: str | None
    image: str | None
    linkedin_organization_id: int | None
    state: Literal["active", "suspended"]
    suspended_reason: str | None
    version: int
    created_at: str
    updated_at: str


class RegisteredAnswer(InstitutionAnswer):
    """A new institution with its first client."""

    client: ClientCredentials


class InstitutionList(BaseModel):
    """One page."""

    items: list[InstitutionAnswer]
    next: str | None


@routes.post("", status_code=201, response_model=RegisteredAnswer)
async def register(body: InstitutionBody, request: Request, who: Operator, here: Here) -> Response:
    """Admit an institution: it gets a DID, a signing key and a client. A retry with the same key shows the same."""
    profile = Profile(body.name, body.url, body.email, body.image, body.linkedin_organization_id)
    async with here.db.worker() as tx:

        async def command() -> Result:
            new = await register_institution(
                tx, body.slug, profile, sealer=here.sealer, addresses=here.addresses, now=here.clock()
            )
            location = f"{here.addresses.issuer}/v1/institutions/{new.institution.id}"
            shown = {**_shown(new.institution), "client": sealed_client(new.client, here.sealer)}
            return Result(201, shown, {"Location": location, "ETag": etag(new.institution.version)})

        answer = await once(tx, request, who, command)
    return opened(answer, here.sealer)


@routes.get("", response_model=InstitutionList)
async def listing(who: Operator, here: Here, asked: Asked) -> Any:
    """Every institution, newest first."""
    after = asked.after(UUID)
    async with here.db.worker() as tx:
        rows = await institutions.page(tx, after, asked.rows)
    return asked.page(rows, item=_shown)


@routes.get("/{institution_id}", response_model=InstitutionAnswer)
async def one(institution_id: Id, who: Authenticated, here: Here) -> Response:
    """One institution: its own, or any for the operator."""
    async with _transaction(here, who) as tx:
        found = await institutions.get(tx, institution_id)
    return _answer(found)


@routes.patch("/{institution_id}", response_model=InstitutionAnswer)
async def update(
    institution_id: Id, body: ProfileChanges, who: OperatorOrInstitutionWriter, here: Here, if_match: IfMatch = None
) -> Response:
    """Change the public profile. Credentials issued before keep what they say."""
    changes = body.model_dump(exclude_unset=True)
    expected = expected_version(if_match)
    async with _transaction(here, who) as tx:
        updated = await update_institution(tx, institution_id, changes, expected, now=here.clock())
    return _answer(updated)


@routes.post("/{institution_id}/suspend", response_model=InstitutionAnswer)
async def suspend(institution_id: Id, body: Reason, request: Request, who: Operator, here: Here) -> Response:
    """Stop an institution from issuing and publishing. What it issued stays, and it can still revoke."""
    async with here.db.worker() as tx:

        async def command() -> Result:
            suspended = await suspend_institution(tx, institution_id, body.reason, now=here.clock())
            return Result(200, _shown(suspended), {"ETag": etag(suspended.version)})

        return await once(tx, request, who, command)


def _transaction(here: Context, who: Principal) -> AbstractAsyncContextManager[Transaction]:
    """The operator sees every institution, a tenant its own: another's is hidden by the database itself."""
    return here.db.worker() if who.is_operator else here.db.tenant(who.institution)


def _answer(institution: Institution) -> Response:
    return Result(200, _shown(institution), {"ETag": etag(institution.version)}).response()


def _shown(institution: Institution) -> dict[str, Any]:
    return {
        "id": str(institution.id),
        "slug": institution.slug,
        "did": institution.did,
        "name": institution.profile.name,
        "url": institution.profile.url,
        "email": institution.profile.email,
        "image": institution.profile.image,
        "linkedin_organization_id": institution.profile.linkedin_organization_id,
        "state": institution.state,
        "suspended_reason": institution.suspended_reason,
        "version": institution.version,
        "created_at": timestamp(institution.created_at),
        "updated_at": timestamp(institution.updated_at),
    }
