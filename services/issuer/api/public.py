"""What verifiers fetch: status lists and DID documents. Public, and made to be cached."""

import hashlib
from typing import Annotated, Any

import orjson
from fastapi import Path, Response

from services.issuer.api.context import Here
from services.issuer.store import institutions, signing_keys
from shared.credentials import did_document
from shared.http.app import router
from shared.http.body import Id
from shared.http.etags import IfNoneMatch, etag, not_modified

routes = router("public")


def _answers(media_type: str) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of a public JSON document."""
    content = {media_type: {"schema": {"type": "object"}}}
    return {200: {"description": "The document.", "content": content}, 304: {"description": "Not modified."}}


_CACHE = "public, max-age=60, must-revalidate"


@routes.get("/status-lists/{list_id}", response_class=Response, responses=_answers("application/vc"))
async def status_list(list_id: Id, here: Here, if_none_match: IfNoneMatch = None) -> Response:
    """A signed BitstringStatusListCredential (Bitstring Status List 1.0)."""
    signed = await here.status_lists.get(list_id)
    return _cacheable(signed.document, etag(signed.tag), "application/vc", if_none_match)


@routes.get("/institutions/{slug}/did.json", response_class=Response, responses=_answers("application/did+ld+json"))
async def did(
    slug: Annotated[str, Path(max_length=63, pattern="^[a-z0-9-]+$")], here: Here, if_none_match: IfNoneMatch = None
) -> Response:
    """The institution's DID document (did:web). A retired key stays, for what it signed; a compromised one goes."""
    async with here.db.worker() as tx:
        institution = await institutions.by_slug(tx, slug)
        keys = await signing_keys.of_institutions(tx, [institution.id])
    believed = {key.verification_method: key.public_key_multibase for key in keys if key.state != "compromised"}
    raw = orjson.dumps(did_document(institution.did, believed))
    return _cacheable(raw, etag(hashlib.sha256(raw).hexdigest()[:32]), "application/did+ld+json", if_none_match)


def _cacheable(body: bytes, tag: str, media_type: str, if_none_match: str | None) -> Response:
    headers = {"ETag": tag, "Cache-Control": _CACHE}
    if not_modified(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    return Response(body, 200, headers, media_type=media_type)
