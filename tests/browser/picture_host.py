"""A host of badge pictures, over TLS, which remembers what it was told."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from services.cli.ports import free_ports

SVG = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">
<rect width="100" height="100" rx="18" fill="#0b3d2e"/>
<path d="M50 14l10 24 26 2-20 17 6 26-22-14-22 14 6-26-20-17 26-2z" fill="#f2c14e"/>
</svg>"""


class PictureHost:
    """At a site of its own: its address is no name of this machine's that the page's services have. `asked` holds the
    headers of each request for a picture."""

    def __init__(self, port: int) -> None:
        self.url = f"https://127.0.0.1:{port}"
        self.asked: list[dict[str, str]] = []

    @property
    def picture(self) -> str:
        """The address of a picture."""
        return f"{self.url}/badge.svg"

    @property
    def missing(self) -> str:
        """The address of none."""
        return f"{self.url}/gone.png"

    async def answer(self, request: web.Request) -> web.Response:
        """The picture, or 404."""
        self.asked.append({name.lower(): value for name, value in request.headers.items()})
        if request.path != "/badge.svg":
            return web.Response(status=404)
        return web.Response(text=SVG, content_type="image/svg+xml")


@asynccontextmanager
async def picture_host(context: ssl.SSLContext) -> AsyncIterator[PictureHost]:
    """Serve until the block ends."""
    port = free_ports()["notifier"]
    host, app = PictureHost(port), web.Application()
    app.router.add_route("*", "/{path:.*}", host.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    try:
        yield host
    finally:
        await runner.cleanup()
