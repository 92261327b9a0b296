"""A small client of Laurel's API, for the command. Speaks as an institution's client or as the operator."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import orjson

from services.cli.output import UserError

TRIES = 5
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
STREAM_TIMEOUT = aiohttp.ClientTimeout(connect=5, sock_read=45)  # three of the comments that a silent stream sends


class ApiError(UserError):
    """An answer that is not a success. `status` is its HTTP status, 0 when there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer. `replayed`: the idempotency key was known, so nothing was done anew."""

    status: int
    body: Any
    replayed: bool


class Client:
    """Calls with one access token, or none. Waits and tries again when a service is busy or briefly away."""

    def __init__(self, session: aiohttp.ClientSession, token: str | None = None) -> None:
        self._session = session
        self._token = token

    def signed_in(self, token: str) -> "Client":
        """The same connections, speaking with `token`."""
        return Client(self._session, token)

    async def get(self, url: str) -> Any:
        """The JSON at `url`. Raises ApiError."""
        return (await self._call("GET", url)).body

    async def find(self, url: str) -> Any:
        """The JSON at `url`, or None where it is not found. Raises ApiError."""
        try:
            return await self.get(url)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def post(self, url: str, body: object, *, key: str | None = None) -> Answer:
        """Send JSON, with an idempotency key where something is created. Raises ApiError."""
        headers = {"Content-Type": "application/json", **({"Idempotency-Key": key} if key else {})}
        return await self._call("POST", url, data=orjson.dumps(body), headers=headers)

    async def sign_in(self, issuer: str, client_id: str, client_secret: str) -> "Client":
        """Trade client credentials for an access token. Raises ApiError."""
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret}
        answer = await Client(self._session)._call("POST", f"{issuer}/oauth/token", data=form)
        return self.signed_in(answer.body["access_token"])

    @asynccontextmanager
    async def stream(
        self, url: str, query: Sequence[tuple[str, str]], headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Server-sent events as they come. Raises ApiError, in the block too; nothing is tried again."""
        asked = {"Accept": "text/event-stream", "Authorization": f"Bearer {self._token}", **headers}
        try:
            async with self._session.get(url, params=query, headers=asked, timeout=STREAM_TIMEOUT) as response:
                if response.status != 200:
                    _answer(url, response, await response.read())
                    raise ApiError(f"{url} did not answer with a stream", response.status)
                yield response
        except (aiohttp.ClientError, TimeoutError) as error:
            raise ApiError(f"{origin(url)} does not answer ({type(error).__name__}); is it running?") from error

    async def _call(
        self, method: str, url: str, *, data: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        headers = dict(headers or {})
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        for attempt in range(1, TRIES + 1):
            try:
                async with self._session.request(method, url, data=data, headers=headers) as response:
                    raw = await response.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                if isinstance(error, aiohttp.InvalidURL):
                    raise ApiError(f"{url} is not a URL") from error
                if attempt == TRIES or (method == "POST" and "Idempotency-Key" not in headers):
                    raise ApiError(f"{origin(url)} does not answer ({type(error).__name__}); is it running?") from error
                await asyncio.sleep(0.2 * attempt)
                continue
            if response.status in (429, 503) and attempt < TRIES:
                await asyncio.sleep(min(_seconds(response.headers.get("Retry-After")), 10))
                continue
            return _answer(url, response, raw)
        raise AssertionError("the last try returns or raises")


def _answer(url: str, response: aiohttp.ClientResponse, raw: bytes) -> Answer:
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        body = None
    if response.status >= 400:
        raise ApiError(f"{origin(url)} answered {response.status}: {explain(body)}", response.status)
    if body is None and raw.strip():
        raise ApiError(f"{url} did not answer with JSON", response.status)
    return Answer(response.status, body, response.headers.get("Idempotent-Replay") == "true")


def explain(problem: object) -> str:
    """A problem document (RFC 9457) in one line, each bad field named."""
    if not isinstance(problem, dict):
        return "no explanation"
    text = str(
        problem.get("detail") or problem.get("title") or problem.get("error_description") or problem.get("error")
    )
    errors = problem.get("errors", ())
    fields = [f"{item.get('pointer') or item.get('parameter')}: {item.get('detail')}" for item in errors]
    if len(fields) == 1 and errors[0].get("detail") == text:  # the document's detail is that of its only field
        return fields[0]
    return f"{text} ({'; '.join(fields)})" if fields else text


def origin(url: str) -> str:
    """`http://localhost:8001` of any URL there."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 1.0


@asynccontextmanager
async def open_client(connections: int = 16) -> AsyncIterator[Client]:
    """A client without a token, with at most `connections` connections."""
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector, timeout=TIMEOUT) as session:
        yield Client(session)
