"""`/docs`: what a service offers, to read and to try, by Swagger UI. Its files are served from here, so that the page
works without the internet and runs nobody else's scripts."""

from collections.abc import Awaitable, Callable
from html import escape
from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Response
from fastapi.responses import FileResponse

# The package is used for the files in it; its own routes would name the host that the client claims to ask.
_RESOURCES = Path(str(files("fastapi_swagger").joinpath("resources")))
_KINDS = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_START = """\
SwaggerUIBundle({ url: "openapi.json", dom_id: "#documentation", deepLinking: true, validatorUrl: null });
"""
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="documentation"></div>
<noscript><p>Without JavaScript, read <a href="openapi.json">openapi.json</a>.</p></noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
_A_DAY = {"Cache-Control": "max-age=86400"}


def add_documentation(app: FastAPI) -> None:
    """Serve the page and its files; their addresses are relative, whatever name the service is reached by."""
    page = _PAGE.format(title=escape(app.title))

    @app.get("/docs", include_in_schema=False)
    async def documentation() -> Response:
        return Response(page, headers=_HEADERS, media_type="text/html")

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(_START, media_type="text/javascript")

    for name, kind in _KINDS.items():
        app.add_api_route(f"/docs/{name}", _sender(name, kind), include_in_schema=False)


def _sender(name: str, kind: str) -> Callable[[], Awaitable[Response]]:
    async def send() -> Response:
        return FileResponse(_RESOURCES / name, headers=_A_DAY, media_type=kind)

    return send
