"""Fetching what strangers name: bounded in bytes, time and number."""

from typing import Any

import orjson

from shared.http.outbound import OutboundClient, OutboundError
from shared.http.rates import RateLimiter

FETCHES_PER_SECOND = 10.0
_ACCEPT = {
    "accept": "application/did+json, application/did+ld+json, application/vc, application/schema+json,"
    " application/json;q=0.9, */*;q=0.1"
}


class FetchFailed(Exception):
    """No document that can be read came back; the text says why in our words, never the peer's."""


class TooManyFetches(Exception):
    """A client's documents made us fetch more than is its share; `wait` seconds until the next."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"more than {FETCHES_PER_SECOND:g} fetches a second")
        self.wait = wait


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
        try:
            answer = await self._client.get(url, timeout=timeout, max_bytes=max_bytes, headers=_ACCEPT, redirects=1)
        except OutboundError as error:
            raise FetchFailed(error.code) from error
        if answer.status != 200:
            raise FetchFailed(f"the answer was {answer.status}")
        return answer.body

    async def json(self, url: str, *, timeout: float, max_bytes: int) -> Any:
        """The JSON document at a URL, as `body`. Raises FetchFailed."""
        try:
            return orjson.loads(await self.body(url, timeout=timeout, max_bytes=max_bytes))
        except orjson.JSONDecodeError as error:
            raise FetchFailed("the answer is not JSON") from error
