"""The platform's web server: one route that Laurel calls, and the pages that people see."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import aiohttp
from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from . import pages
from .badges import EVENTS, Badge, after
from .laurel import CallFailed, Laurel
from .settings import Settings
from .signatures import Refused, check
from .store import Store
from .worker import Worker

MAX_BODY = 1024 * 1024


def create_app(settings: Settings) -> FastAPI:
    """The application; its worker lives as long as the server."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with aiohttp.ClientSession() as session:
            store, laurel = Store(settings.database), Laurel(session, settings)
            app.state.store, app.state.laurel = store, laurel
            app.state.worker = worker = Worker(laurel, store, settings)
            running = asyncio.create_task(worker.run())
            try:
                yield
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                store.connection.close()

    app = FastAPI(title="A sample platform", lifespan=lifespan, openapi_url=None)
    app.middleware("http")(guarded)
    app.state.members = settings.members
    app.add_api_route("/webhooks", receive, methods=["POST"], response_model=None)
    app.add_api_route("/readyz", ready, response_model=None)
    app.add_api_route("/style.css", style, response_model=None)
    app.add_api_route("/", home, response_class=HTMLResponse)
    app.add_api_route("/members/{name}", profile, response_class=HTMLResponse)
    app.add_api_route("/badges/{share_id}/verify", verification, response_class=HTMLResponse)
    return app


async def guarded(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
    """Every answer carries the headers that keep a browser from doing what the pages do not need."""
    answer = await proceed(request)
    answer.headers.update(pages.HEADERS)
    return answer


async def receive(request: Request) -> Response:
    """One delivery: checked, noted and applied in one transaction, answered; calls to Laurel come later."""
    worker: Worker = request.app.state.worker
    if worker.secret is None:
        return Response("not registered yet", 503)
    body = await limited(request)
    now = time.time()
    try:
        message = check(worker.secret, dict(request.headers), body, now)
    except Refused as error:
        return Response(str(error), 401)
    event = json.loads(body)
    kind, data = event["type"], event["data"]
    if kind == "endpoint.challenge":
        return Response(json.dumps({"challenge": data["challenge"]}), media_type="application/json")
    store: Store = request.app.state.store
    with store.connection:
        if store.is_new(message, now) and kind in EVENTS and not data.get("test"):
            badge = store.get(data["share_id"]) or Badge(data["share_id"], data["credential_id"])
            store.put(after(badge, kind, datetime.fromisoformat(event["timestamp"]), data))
    worker.wake()
    return Response(status_code=204)


async def limited(request: Request) -> bytes:
    """The body, of which nobody needs more than a mebibyte."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413)
    return bytes(body)


async def ready(request: Request) -> Response:
    """Whether Laurel knows where to deliver."""
    return Response(status_code=503 if request.app.state.worker.secret is None else 204)


async def style() -> Response:
    """How the pages look."""
    return Response(pages.STYLE, media_type="text/css")


async def home(request: Request) -> str:
    """The members."""
    return pages.render("home.html", members=request.app.state.members)


async def profile(name: str, request: Request) -> str:
    """A member and what they earned."""
    if name not in request.app.state.members:
        raise HTTPException(404)
    return pages.render("profile.html", name=name, badges=request.app.state.store.shown(name))


async def verification(share_id: str, request: Request) -> str:
    """What Laurel's verifier says about a badge that is shown, now."""
    badge = request.app.state.store.get(share_id)
    if badge is None or badge.entry is None or not badge.member:
        raise HTTPException(404)
    laurel: Laurel = request.app.state.laurel
    try:
        answer: dict[str, Any] = await laurel.verify(await laurel.document(badge.credential_id))
    except CallFailed:
        raise HTTPException(502, "the verifier cannot be asked now") from None
    return pages.render("verification.html", badge=badge, answer=answer)
