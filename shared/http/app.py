"""The app factory: what every service's HTTP side has, whatever it serves."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException

from shared.http.auth import Authenticator
from shared.http.documentation import add_documentation
from shared.http.edge import Edge, problem_of
from shared.http.limits import Limits
from shared.http.openapi import describe
from shared.http.paging import Cursors
from shared.http.rates import RateLimiter
from shared.http.routing import StrictRoute, pages, router
from shared.http.validation import invalid_input
from shared.postgres.database import Database, Unavailable

__all__ = ["HttpSettings", "ReadyCheck", "create_app", "pages", "router"]

ReadyCheck = Callable[[], tuple[str, str | None]]
_PING_EVERY = 0.5
# The framework's own would be a second server span, with query strings and the text of exceptions in it.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


@dataclass(frozen=True)
class HttpSettings:
    """`public_url` is what links and problem types start with; `secret` signs cursors; `rate_limit` is a second's."""

    public_url: str
    secret: str
    rate_limit: float = 0.0


def create_app(
    *,
    title: str,
    description: str,
    settings: HttpSettings,
    db: Database,
    routers: Sequence[APIRouter],
    authenticator: Authenticator,
    ready: Sequence[ReadyCheck] = (),
    limits: Limits | None = None,
) -> FastAPI:
    """A service's app. `ready` checks give (name, trouble or None); they are shown, only the database decides.

    Raises TypeError for a route that neither `router` nor `pages` made, because it would read its input leniently.
    """
    app = FastAPI(
        title=title, description=description, version="1", docs_url=None, redoc_url=None, telemetry=_NO_TELEMETRY
    )
    app.state.authenticator = authenticator
    app.state.cursors = Cursors(settings.secret)
    app.state.public_url = settings.public_url
    app.state.stopping = False
    for each in routers:
        for route in each.routes:
            if not isinstance(route, StrictRoute):
                raise TypeError(f"{route} is not a strict route: make its router with shared.http.app.router")
        # Its routes and not the router, which the framework would ask twice a request, and all before it once.
        app.router.routes.extend(each.routes)
    _add_health(app, db, ready)
    add_documentation(app)
    app.add_exception_handler(RequestValidationError, _raise_invalid_input)
    app.add_exception_handler(HTTPException, _raise_problem)
    describe(app)
    app.add_middleware(
        Edge,
        public_url=settings.public_url,
        limits=limits or Limits(),
        limiter=RateLimiter(settings.rate_limit),
        authenticator=authenticator,
    )
    return app


async def _raise_invalid_input(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    raise invalid_input(error) from None


async def _raise_problem(_request: Request, error: Exception) -> Response:
    raise problem_of(error) from error


class _DatabaseCheck:
    """What the database last said; asked at most twice a second, however often the question comes."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._asked = float("-inf")
        self._answer = ""

    async def __call__(self) -> str:
        if time.monotonic() - self._asked > _PING_EVERY:
            try:
                await self._db.ping()
                self._answer = "ok"
            except Unavailable as error:
                self._answer = str(error)
            self._asked = time.monotonic()
        return self._answer


def _add_health(app: FastAPI, db: Database, ready: Sequence[ReadyCheck]) -> None:
    database = _DatabaseCheck(db)

    @app.get("/healthz", include_in_schema=False)
    async def health() -> Response:
        return Response(b'{"status":"ok"}', media_type="application/json")

    @app.get("/readyz", include_in_schema=False)
    async def readiness() -> Response:
        """Ready means: this service can answer. A bus that is away is told of, but does not make it unready."""
        checks = {name: trouble or "ok" for name, trouble in (check() for check in ready)}
        checks["database"] = await database()
        good = checks["database"] == "ok" and not app.state.stopping
        status = "stopping" if app.state.stopping else "ready" if good else "unready"
        body = orjson.dumps({"status": status, "checks": checks})
        headers = {} if good else {"Retry-After": "1"}
        return Response(body, 200 if good else 503, headers, media_type="application/json")

    @app.get("/metrics", include_in_schema=False)
    async def exposition() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
