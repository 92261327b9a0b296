"""A web site of a stranger: serves DID documents and status lists as each test wants them, and counts the requests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import orjson
from aiohttp import web

from shared.credentials import PrivateKey, generate
from tests.integration.paper_issuer import PaperIssuer

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class ForeignSite:
    """Answers 404 where nothing was put."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: Counter[str] = Counter()
        self._answers: dict[str, Answer] = {}

    @property
    def url(self) -> str:
        """The site's base URL."""
        return f"http://localhost:{self.port}"

    def did(self, name: str) -> str:
        """A did:web whose document is at `/{name}/did.json`."""
        return f"did:web:localhost%3A{self.port}:{name}"

    def put(self, path: str, document: Any, kind: str = "application/json") -> str:
        """Serve a JSON document, or bytes as they are, as a media type; gives the URL."""
        body = document if isinstance(document, bytes) else orjson.dumps(document)

        async def answer(_: web.Request) -> web.Response:
            return web.Response(body=body, content_type=kind)

        return self.behave(path, answer)

    def behave(self, path: str, answer: Answer) -> str:
        """Answer as a function says; gives the URL."""
        self._answers[path] = answer
        return f"{self.url}{path}"

    def hang(self, path: str) -> str:
        """Never answer; gives the URL."""

        async def answer(_: web.Request) -> web.Response:
            await asyncio.sleep(60)
            return web.Response()

        return self.behave(path, answer)

    def redirect(self, path: str, target: str) -> str:
        """Send on to `target`; gives the URL."""

        async def answer(_: web.Request) -> web.Response:
            return web.Response(status=302, headers={"location": target})

        return self.behave(path, answer)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        self.requests[request.path] += 1
        answer = self._answers.get(request.path)
        return await answer(request) if answer else web.Response(status=404)


@asynccontextmanager
async def open_site() -> AsyncIterator[ForeignSite]:
    """A site on a free port of this machine."""
    site = ForeignSite()
    app = web.Application()
    app.router.add_route("GET", "/{path:.*}", site.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "localhost", 0).start()
    site.port = runner.addresses[0][1]
    yield site
    await runner.cleanup()


def issuer_on(site: ForeignSite, *keys: PrivateKey) -> PaperIssuer:
    """An issuer, with an Ed25519 key unless others are given, whose DID document is on the site."""
    name, own = f"u-{uuid4().hex[:8]}", list(keys) or [generate("Ed25519")]
    made = PaperIssuer("https://elsewhere.example", f"{site.url}/lists", site.did(name), slug=name, keys=own)
    site.put(f"/{name}/did.json", made.did_document())
    return made
