"""Credentials: the signed document at the address that is its `id`, and what the record says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from fastapi import Request, Response
from pydantic import BaseModel

from services.registry.api.context import Context, Here
from services.registry.domain.media_types import choose
from services.registry.domain.profile import Issuer, profile_entry
from services.registry.domain.record import Record
from services.registry.store import institutions, records
from shared.events.catalogue.learner import ProfileEntry
from shared.http.app import router
from shared.http.body import Id
from shared.http.etags import IfNoneMatch, etag, not_modified
from shared.http.problems import NotAcceptable, NotFound

MEDIA_TYPES = ("application/vc+ld+json", "application/vc", "application/ld+json", "application/json")
PAGE_TYPE = "text/html"
VARY = "Accept, Accept-Language"  # also of the document: a cache has to keep it apart from the page in each language
_CACHE = "public, max-age=300"
_DOCUMENT: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The Open Badges 3.0 credential, byte for byte as it was recorded.",
        "content": {kind: {"schema": {"type": "object"}} for kind in MEDIA_TYPES},
    },
    304: {"description": "Not modified"},
}

routes = router("credentials")


class Links(BaseModel):
    """Where the credential can be verified, and LinkedIn's form to add it to a profile, filled in."""

    verify: str
    add_to_profile: str


class RecordAnswer(BaseModel):
    """What the record says of a credential."""

    id: UUID
    url: str
    status: Literal["active", "suspended", "revoked"]
    institution_id: UUID
    achievement_id: UUID
    issuer: str
    document_sha256: str
    issued_at: datetime
    registered_at: datetime
    changed_at: datetime
    verified: int
    links: Links


@dataclass(frozen=True, slots=True)
class Known:
    """One credential on the record, and what of it goes on a profile or a page."""

    record: Record
    document: Mapping[str, Any]
    entry: ProfileEntry


async def known(here: Context, credential_id: UUID) -> Known | None:
    """What there is to say of a credential, of its issuer as it describes itself now; None when it is not recorded."""
    async with here.db.worker() as tx:
        record, served = await records.get(tx, credential_id), await records.document(tx, credential_id)
        issuer = await institutions.get(tx, record.institution_id) if record else None
    if record is None or served is None:
        return None
    described = Issuer(issuer.name, issuer.url, issuer.linkedin_organization_id) if issuer else None
    document = orjson.loads(served.document)
    url = here.addresses.credential(credential_id)
    return Known(record, document, profile_entry(document, credential_id, url, described))


@routes.get(
    "/credentials/{credential_id}",
    summary="The signed document",
    response_class=Response,
    responses={
        **_DOCUMENT,
        200: {
            "description": "The Open Badges 3.0 credential, byte for byte as it was recorded. Whoever would rather have"
            " `text/html`, as browsers would, gets a page about it.",
            "content": {**_DOCUMENT[200]["content"], PAGE_TYPE: {"schema": {"type": "string"}}},
        },
        404: {"description": "Not found", "content": {PAGE_TYPE: {"schema": {"type": "string"}}}},
    },
)
async def get_document(credential_id: Id, request: Request, here: Here, if_none_match: IfNoneMatch = None) -> Response:
    """A revoked credential is served as well: its status list, and the `Link` with rel `status`, tell that it is."""
    kind = choose(request.headers.get("accept"), MEDIA_TYPES)
    if kind is None:
        raise NotAcceptable(f"this is served as {', '.join([*MEDIA_TYPES, PAGE_TYPE])}")
    return await _document(credential_id, kind, here, if_none_match)


@routes.head("/credentials/{credential_id}", include_in_schema=False)
async def head_document(credential_id: Id, request: Request, here: Here, if_none_match: IfNoneMatch = None) -> Response:
    """The headers of the document."""
    return await get_document(credential_id, request, here, if_none_match)


@routes.head("/credentials/{credential_id}/document", include_in_schema=False)
@routes.get(
    "/credentials/{credential_id}/document",
    summary="The signed document, also for browsers",
    response_class=Response,
    responses=_DOCUMENT,
)
async def show_document(credential_id: Id, request: Request, here: Here, if_none_match: IfNoneMatch = None) -> Response:
    """The same bytes, as JSON for whoever takes none of its types. The credential's `id` is the address without
    `/document`."""
    kind = choose(request.headers.get("accept"), MEDIA_TYPES)
    return await _document(credential_id, kind or MEDIA_TYPES[-1], here, if_none_match)


async def _document(credential_id: UUID, kind: str, here: Context, if_none_match: str | None) -> Response:
    async with here.db.worker_connection() as connection:
        served = await records.document(connection, credential_id)
    if served is None:
        raise NotFound("there is no such credential on the record")
    headers = {
        "ETag": etag(served.document_sha256.hex()),
        "Cache-Control": _CACHE,
        "Vary": VARY,
        "Link": f'<{here.addresses.record(credential_id)}>; rel="status"',
        "Access-Control-Allow-Origin": "*",
        "X-Content-Type-Options": "nosniff",
    }
    if not_modified(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(served.document, headers=headers, media_type=kind)


@routes.get("/v1/credentials/{credential_id}", summary="What the record says of a credential")
async def get_record(credential_id: Id, here: Here, response: Response) -> RecordAnswer:
    """Its status, when it was registered, and how often it was verified. Never who the learner is."""
    found = await known(here, credential_id)
    if found is None:
        raise NotFound("there is no such credential on the record")
    record, entry = found.record, found.entry
    response.headers["Cache-Control"] = "no-cache"
    return RecordAnswer(
        id=record.credential_id,
        url=entry.credential_url,
        status=record.status,
        institution_id=record.institution_id,
        achievement_id=record.achievement_id,
        issuer=record.issuer,
        document_sha256=record.document_sha256.hex(),
        issued_at=record.issued_at,
        registered_at=record.registered_at,
        changed_at=record.changed_at,
        verified=record.verified,
        links=Links(verify=here.addresses.verification(), add_to_profile=entry.add_to_profile_url),
    )
