"""The outermost layer of every service: one span, one log line and one measurement a request; limits; problems.

Plain ASGI: it costs microseconds, where a framework's middleware class costs a task a request.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import asyncpg
import orjson
import structlog
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from starlette.exceptions import HTTPException

from shared.http.auth import Authenticator
from shared.http.limits import Disconnected, Limits, read_body, replay
from shared.http.problems import MEDIA_TYPE, InternalError, Problem, ServiceUnavailable, TooManyRequests, from_status
from shared.http.rates import RateLimiter
from shared.http.vcalm import refusal
from shared.postgres.database import Unavailable
from shared.telemetry import metrics
from shared.telemetry.tracing import context_of, current_trace_id, tracer

log = structlog.get_logger()

Scope = dict[str, Any]
Send = Callable[[Any], Awaitable[None]]
Receive = Callable[[], Awaitable[Any]]
App = Callable[[Any, Receive, Send], Awaitable[None]]

_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
_READS_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KNOWN_METHODS = _READS_BODY | {"GET", "HEAD", "OPTIONS"}
_RETRY_AFTER = "1"
_CLIENT_GONE = 499
_SAFETY = (b"x-content-type-options", b"nosniff")


def problem_of(error: Exception) -> Problem:
    """What the client is told about an exception; unexpected ones are logged with their traceback."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        return ServiceUnavailable("the service's database is away", headers={"Retry-After": _RETRY_AFTER})
    if isinstance(error, asyncpg.LockNotAvailableError):
        return ServiceUnavailable("another request is changing the same thing", headers={"Retry-After": _RETRY_AFTER})
    if isinstance(error, HTTPException):
        problem = from_status(error.status_code, error.detail if isinstance(error.detail, str) else "")
        problem.headers.update(error.headers or {})
        return problem
    log.exception("request.failed", error=type(error).__name__)
    return InternalError("something went wrong here; the trace id leads to it")


class Edge:
    """Wraps an ASGI app."""

    def __init__(
        self, app: App, *, public_url: str, limits: Limits, limiter: RateLimiter, authenticator: Authenticator
    ) -> None:
        self._app, self._public_url, self._limits = app, public_url, limits
        self._limiter, self._authenticator = limiter, authenticator

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """One request; other kinds of connection are passed on."""
        if scope["type"] != "http" or scope["path"] in _QUIET:
            await self._app(scope, receive, send)
            return
        headers = {name: value for name, value in scope["headers"] if name in (b"traceparent", b"tracestate")}
        parent = context_of(
            headers.get(b"traceparent", b"").decode("latin-1"), headers.get(b"tracestate", b"").decode("latin-1")
        )
        started = time.perf_counter()
        with tracer.start_as_current_span(scope["method"], parent, kind=SpanKind.SERVER) as span:
            exchange = _Exchange(scope, send)
            await self._answer(exchange, receive)
            _report(scope, exchange.status, time.perf_counter() - started, span)

    async def _answer(self, exchange: "_Exchange", receive: Receive) -> None:
        scope = exchange.scope
        try:
            exchange.headers += self._admit(scope)
            if scope["method"] in _READS_BODY:
                receive = replay(await read_body(scope, receive, self._limits), receive)
            await self._app(scope, receive, exchange.send)
        except Disconnected:
            exchange.status = _CLIENT_GONE
        except Exception as error:
            if exchange.started:
                raise
            await exchange.problem(refusal(problem_of(error), scope.get("route")), self._public_url)

    def _admit(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Count the request against its client's rate. Raises TooManyRequests."""
        if self._limiter.rate <= 0:
            return []
        allowed, left, wait = self._limiter.take(self._client_of(scope))
        named = self._limiter.headers(left, wait)
        if not allowed:
            raise TooManyRequests(f"more than {self._limiter.rate:g} requests a second", headers=named)
        return [(name.lower().encode(), value.encode()) for name, value in named.items()]

    def _client_of(self, scope: Scope) -> str:
        """Whose rate counts: the holder of a token that was found good before, else the peer's address.

        A header that is merely present counts for nothing, or a fresh one with each request would escape the limit.
        """
        for name, value in scope["headers"]:
            if name == b"authorization" and (known := self._authenticator.remembered(value.decode("latin-1"))):
                return known.client_id
        client = scope.get("client")
        return str(client[0]) if client else "unknown"


class _Exchange:
    """What is being sent: adds headers, remembers the status."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope, self._send = scope, send
        self.headers: list[tuple[bytes, bytes]] = [_SAFETY]
        self.status = 0
        self.started = False

    async def send(self, message: Any) -> None:
        """Pass on, with our headers on the first message."""
        if message["type"] == "http.response.start":
            self.started = True
            self.status = message["status"]
            message["headers"] = [*message["headers"], *self.headers]
        await self._send(message)

    async def problem(self, problem: Problem, public_url: str) -> None:
        """Send a problem document instead of the app's answer."""
        document = problem.as_json(public_url, quote(self.scope["path"], safe="/~:@!$&'()*+,;="), current_trace_id())
        body = orjson.dumps(document)
        headers = [
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            *((name.lower().encode(), value.encode("latin-1")) for name, value in problem.headers.items()),
        ]
        await self.send({"type": "http.response.start", "status": problem.STATUS, "headers": headers})
        await self.send({"type": "http.response.body", "body": b"" if self.scope["method"] == "HEAD" else body})


def _report(scope: Scope, status: int, seconds: float, span: Span) -> None:
    """Say once what became of a request, naming the route's template: a path may say whom it is about."""
    method = scope["method"] if scope["method"] in _KNOWN_METHODS else "other"
    route = getattr(scope.get("route"), "path", "unmatched")
    if span.is_recording():
        span.update_name(f"{method} {route}")
        span.set_attribute("http.request.method", method)
        span.set_attribute("http.route", route)
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(Status(StatusCode.ERROR))
    metrics.HTTP_REQUESTS.labels(method, route, str(status)).inc()
    metrics.HTTP_REQUEST_SECONDS.labels(route).observe(seconds)
    say = log.warning if status >= 500 else log.debug
    say("request.answered", method=method, route=route, status=status, duration_ms=round(seconds * 1000, 2))
