"""`laurel listen` when its token is no longer taken, and when its client is not: against a server that decides so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from services.cli.client import ApiError, open_client
from services.cli.listen import Account, Forwarder, Listener, Wish, signing_key
from services.notifier.domain.signature import new_secret


class Fickle:
    """Takes each token for one stream of one event. `tokens` is how many it grants."""

    def __init__(self, tokens: int) -> None:
        self.tokens, self.granted, self.spent = tokens, 0, set[str]()
        self.places: list[str | None] = []
        self.received: list[str] = []
        self.url = ""

    async def grant(self, _: web.Request) -> web.Response:
        if self.granted == self.tokens:
            return web.json_response({"error": "invalid_client"}, status=401)
        self.granted += 1
        return web.json_response({"access_token": f"token-{self.granted}"})

    async def stream(self, request: web.Request) -> web.StreamResponse:
        token = request.headers["Authorization"]
        if token in self.spent:
            return web.json_response({"title": "no longer"}, status=401)
        self.spent.add(token)
        self.places.append(request.headers.get("Last-Event-ID"))
        body = f"retry: 10\n\nid: {self.granted}\nevent: e\ndata: {{}}\n\n"
        return web.Response(text=body, content_type="text/event-stream")

    async def hook(self, request: web.Request) -> web.Response:
        self.received.append(request.headers["webhook-id"])
        return web.Response()


@contextlib.asynccontextmanager
async def serving(fickle: Fickle) -> AsyncIterator[None]:
    """Let it listen on a free port."""
    app = web.Application()
    app.router.add_post("/oauth/token", fickle.grant)
    app.router.add_get("/v1/events/stream", fickle.stream)
    app.router.add_post("/hook", fickle.hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    fickle.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


async def test_a_token_is_renewed_and_the_stream_goes_on_until_the_client_is_refused() -> None:
    fickle = Fickle(3)
    async with serving(fickle), open_client() as client, aiohttp.ClientSession() as session:
        forwarder = Forwarder(session, f"{fickle.url}/hook", signing_key(new_secret()))
        listener = Listener(client, Account(fickle.url, "id", "secret"), Wish(fickle.url, (), "now"), forwarder)
        with pytest.raises(ApiError, match="invalid_client"):
            await asyncio.wait_for(listener.listen(), 10)
    assert fickle.received == ["1", "2", "3"]
    assert fickle.places == [None, "1", "2"]
