"""The page behind the link of a letter. It only reads: what it does waits for a click, so that programs which look into
letters use up no code."""

import base64
import hashlib
import re
from pathlib import Path

from fastapi import Response

from shared.http.app import router

routes = router("claims")
PAGE = (Path(__file__).parent / "claim.html").read_text()


def _hashes(tag: str) -> str:
    """The sources of the page's inline elements of a kind, for a policy that allows these and no others."""
    found = re.findall(rf"<{tag}>(.*?)</{tag}>", PAGE, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
    return " ".join(f"'sha256-{digest}'" for digest in digests)


HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src {_hashes('script')}; style-src {_hashes('style')}; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@routes.get("/claim", include_in_schema=False)
async def claim_page() -> Response:
    """The same for everybody: the code is behind the address's #, which no browser sends."""
    return Response(PAGE, 200, HEADERS, media_type="text/html")
