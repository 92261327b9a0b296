"""Fetching what strangers name: bounded in bytes, time and number."""

import re
from dataclasses import dataclass
from typing import Any

import orjson

from shared.credentials import envelope
from shared.http.outbound import Answer, OutboundClient, OutboundError
from shared.http.rates import RateLimiter

FETCHES_PER_SECOND = 10.0
_UNCHANGED = 304
_JSON = (
    "application/did+json, application/did+ld+json, application/vc, application/schema+json, application/json;q=0.9,"
    " */*;q=0.1"
)
_TOKENS = frozenset({"application/vc+jwt", "application/vc+sd-jwt", "application/vc+ld+jwt", "application/jwt"})
_UNTOLD = frozenset({"", "text/plain", "application/octet-stream"})  # what a file's server says that does not know
_TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_.~-]+")


class FetchFailed(Exception):
    """No document that can be read came back; the text says why in our words, never the peer's."""


class TooManyFetches(Exception):
    """A client's documents made us fetch more than is its share; `wait` seconds until the next."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"more than {FETCHES_PER_SECOND:g} fetches a second")
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Fetched:
    """What is there now, and its `ETag`. `document` is None when it is still what the caller has."""

    document: Any
    etag: str | None


class Fetcher:
    """Fetches for clients, each with a share of its own. Fetches nothing but what `client`'s address policy allows."""

    def __init__(self, client: OutboundClient, limiter: RateLimiter | None = None) -> None:
        self._client = client
        self._limiter = limiter or RateLimiter(FETCHES_PER_SECOND)

    @property
    def allows_http(self) -> bool:
        """Whether the operator opened a network, to which http is allowed too."""
        return bool(self._client.policy.allowed)

    def spend(self, client: str) -> None:
        """Count a fetch against a client's share. Raises TooManyFetches."""
        allowed, _, wait = self._limiter.take(client)
        if not allowed:
            raise TooManyFetches(wait)

    async def body(self, url: str, *, timeout: float, max_bytes: int) -> bytes:
        """What lies at a URL, after at most one redirect on the same host. Raises FetchFailed."""
        return (await self._get(url, _JSON, timeout, max_bytes)).body

    async def json(self, url: str, *, timeout: float, max_bytes: int) -> Any:
        """The JSON document at a URL, as `body`. Raises FetchFailed."""
        return _parsed(await self.body(url, timeout=timeout, max_bytes=max_bytes))

    async def credential(self, url: str, *, timeout: float, max_bytes: int, etag: str | None = None) -> Fetched:
        """As `json`; a token is given as the enveloped credential that stands for it. Raises FetchFailed.

        What is there is told by its media type, and by its first characters only where the type tells nothing. `etag`
        names what the caller has already.
        """
        answer = await self._get(url, f"{', '.join(sorted(_TOKENS))}, {_JSON}", timeout, max_bytes, etag)
        return Fetched(None if answer.status == _UNCHANGED else _credential(answer), answer.headers.get("etag"))

    async def _get(self, url: str, accept: str, timeout: float, max_bytes: int, etag: str | None = None) -> Answer:
        headers = {"accept": accept, **({"if-none-match": etag} if etag else {})}
        try:
            answer = await self._client.get(url, timeout=timeout, max_bytes=max_bytes, headers=headers, redirects=1)
        except OutboundError as error:
            raise FetchFailed(error.code) from error
        if answer.status != 200 and not (etag and answer.status == _UNCHANGED):
            raise FetchFailed(f"the answer was {answer.status}")
        return answer


def _credential(answer: Answer) -> Any:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = answer.body.strip()
    if kind not in _TOKENS and not (kind in _UNTOLD and body.startswith(b"eyJ")):
        return _parsed(body)
    if _TOKEN.fullmatch(body) is None:
        raise FetchFailed("the answer is not the token that it is said to be")
    return envelope(body.decode())


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise FetchFailed("the answer is not JSON") from error
