"""The page behind the link of a letter. It only reads: what it does waits for a click, so that programs which look into
letters use up no code."""

from fastapi import Response

from services.registry.api.context import Here
from services.registry.api.language import Language, headers_of
from shared.http.app import pages

routes = pages("claims")
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    # What comes from elsewhere, a badge's picture, is fetched without cookies: its host cannot tell who looks at it.
    "Cross-Origin-Embedder-Policy": "credentialless",
    "Cache-Control": "no-store",
}


@routes.get("/claim", include_in_schema=False)
async def claim_page(here: Here, language: Language) -> Response:
    """The same for all who read a language: the code is behind the address's #, which no browser sends."""
    headers = {"Content-Security-Policy": here.page.policy, **HEADERS, **headers_of(language)}
    return Response(here.page.html(language), 200, headers, media_type="text/html")
