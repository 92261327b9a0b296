"""What people see at the address of a credential, where programs get the signed document."""

import hashlib
from uuid import UUID

from fastapi import Response
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from services.registry.api.context import Context, Here
from services.registry.api.credentials import MEDIA_TYPES, PAGE_TYPE, VARY, known
from services.registry.api.language import ChosenLanguage, headers_of
from services.registry.domain.credential_page import Links, Shown
from services.registry.domain.media_types import choose
from services.registry.domain.standing import standing
from shared.http.app import pages
from shared.http.body import is_id
from shared.http.etags import IfNoneMatch, etag, not_modified
from shared.http.routing import PageRoute

# As long as a revoked credential may be shown as it was before.
_CACHE = "public, max-age=60"
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    # The badge's picture is fetched without cookies: its host cannot tell who looks at it.
    "Cross-Origin-Embedder-Policy": "credentialless",
}


class _ForPeople(PageRoute):
    """Is there for those who would rather have a page than any type of the document (RFC 9110, 12.5.1)."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Leaves everybody else to the route of the document."""
        if scope["type"] != "http" or not wants_page(Headers(scope=scope).get("accept")):
            return Match.NONE, {}
        return super().matches(scope)


routes = pages("credentials", _ForPeople)


def wants_page(accept: str | None) -> bool:
    """Whether `Accept` puts the page before every type of the document."""
    return choose(accept, (*MEDIA_TYPES, PAGE_TYPE)) == PAGE_TYPE


@routes.api_route("/credentials/{credential_id}", methods=["GET", "HEAD"], include_in_schema=False)
async def credential_page(
    credential_id: str, here: Here, language: ChosenLanguage, if_none_match: IfNoneMatch = None
) -> Response:
    """The record's page of a credential. Its ETag is that of the words on it, its status among them."""
    shown = await _shown(here, UUID(credential_id)) if is_id(credential_id) else None
    headers = {"Content-Security-Policy": here.credential_page.policy, **HEADERS, **headers_of(language), "Vary": VARY}
    if shown is None:
        headers["Cache-Control"] = "no-store"
        return Response(here.credential_page.missing(language), 404, headers, media_type=PAGE_TYPE)
    page = here.credential_page.html(shown, language).encode()
    headers |= {"Cache-Control": _CACHE, "ETag": etag(hashlib.sha256(page).hexdigest())}
    alternate = f'<{shown.links.document}>; rel="alternate"; type="application/vc"'
    headers["Link"] = f'<{shown.links.record}>; rel="status", {alternate}'
    if not_modified(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(page, 200, headers, media_type=PAGE_TYPE)


async def _shown(here: Context, credential_id: UUID) -> Shown | None:
    found = await known(here, credential_id)
    if found is None:
        return None
    record, entry, addresses = found.record, found.entry, here.addresses
    return Shown(
        str(credential_id),
        entry,
        found.document["credentialSubject"]["achievement"],
        standing(record.status, record.changed_at, entry.issued_on, entry.expires_on, here.clock()),
        record.registered_at,
        Links(
            document=addresses.document(credential_id),
            record=addresses.record(credential_id),
            verify=addresses.verification(),
            manual=addresses.verifier_manual(),
        ),
    )
