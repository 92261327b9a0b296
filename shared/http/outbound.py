"""The one client for all traffic that leaves: webhooks, DID documents, status lists, key sets.

Every connection's final address passes the policy, after DNS and for literals alike. Answers are read up to a limit
and within a total time that includes them. Proxies of the environment, cookies and decompression are off.
"""

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import aiohttp
import yarl
from aiohttp.connector import AddrInfoType

from shared.http.addresses import AddressPolicy, UrlRefused
from shared.http.resolver import Resolver

CONNECT_SECONDS = 5.0
_SCHEME: ContextVar[str] = ContextVar("scheme", default="https")


class OutboundError(Exception):
    """A request that got no usable answer; `code` is a stable word, never the peer's text."""

    code = "connection-failed"


class NameNotResolved(OutboundError):
    """No name server knows the host, or none answers."""

    code = "name-not-resolved"


class TlsFailed(OutboundError):
    """The peer's certificate is not one to trust, or it speaks no TLS."""

    code = "tls-failed"


class BlockedAddress(OutboundError):
    """The policy refuses the address; nothing was sent."""

    code = "blocked-address"


class TimedOut(OutboundError):
    """No whole answer in time."""

    code = "timeout"


class AnswerTooLarge(OutboundError):
    """The answer is longer than the caller takes."""

    code = "answer-too-large"


class RedirectRefused(OutboundError):
    """A redirect to another host, or one too many."""

    code = "redirect-refused"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `body` is at most the bytes asked for, `truncated` tells of more."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool


class _Refused(OSError):
    """The policy's refusal on its way through the library, which passes errors of sockets and resolvers only."""


class _CheckedResolver(Resolver):
    """Refuses a name altogether when any of its addresses is refused: who mixes them means harm."""

    def __init__(self, check: Callable[[str, int], None]) -> None:
        super().__init__()
        self._check = check

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        found = await super().resolve(host, port, family)
        for each in found:
            self._check(each["host"], port)
        return found


class OutboundClient:
    """Use as an async context manager; one a process."""

    def __init__(self, policy: AddressPolicy, *, user_agent: str = "Laurel/1", connections: int = 512) -> None:
        self.policy = policy
        self._agent, self._connections = user_agent, connections
        self._scheme = lru_cache(maxsize=4096)(lambda url: policy.check_url(url).scheme)  # refusals are not kept
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> "OutboundClient":
        connector = aiohttp.TCPConnector(
            limit=self._connections,
            resolver=_CheckedResolver(self._check),
            socket_factory=self._socket,
            ttl_dns_cache=10,
            force_close=False,
            keepalive_timeout=15,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            headers={"user-agent": self._agent, "accept-encoding": "identity"},  # nothing is unpacked here
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    def _socket(self, info: AddrInfoType) -> socket.socket:
        """Called with the address about to be connected to: no name, literal or rebinding gets round it."""
        family, kind, protocol, _, address = info
        self._check(str(address[0]), int(address[1]))
        return socket.socket(family, kind, protocol)

    def _check(self, host: str, port: int) -> None:
        try:
            self.policy.check_connection(host, port, _SCHEME.get())
        except UrlRefused as error:
            raise _Refused(error.detail) from None

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, timeout: float, keep: int = 4096
    ) -> Answer:
        """POST once, following no redirect; the answer is read to at most `keep` bytes. Raises OutboundError."""
        return await self._request("POST", url, timeout=timeout, keep=keep, data=body, headers=headers)

    async def get(
        self, url: str, *, timeout: float, max_bytes: int, headers: Mapping[str, str] | None = None, redirects: int = 0
    ) -> Answer:
        """GET a document of at most `max_bytes`, following up to `redirects` redirects on the same host.

        Raises OutboundError; AnswerTooLarge when the document is longer.
        """
        try:
            async with asyncio.timeout(timeout):
                return await self._get(url, timeout, max_bytes, dict(headers or {}), redirects)
        except TimeoutError:
            raise TimedOut(f"no answer within {timeout:g} s") from None

    async def _get(self, url: str, timeout: float, max_bytes: int, headers: dict[str, str], redirects: int) -> Answer:
        for _ in range(redirects + 1):
            answer = await self._request("GET", url, timeout=timeout, keep=max_bytes, headers=headers)
            if answer.status not in (301, 302, 303, 307, 308):
                if answer.truncated:
                    raise AnswerTooLarge(f"more than {max_bytes} bytes")
                return answer
            url = self._same_host(url, answer.headers.get("location", ""))
        raise RedirectRefused("too many redirects")

    @staticmethod
    def _same_host(url: str, location: str) -> str:
        try:
            target = yarl.URL(url).join(yarl.URL(location))
        except ValueError:
            raise RedirectRefused("the redirect has no usable target") from None
        origin = yarl.URL(url)
        if not location or (target.scheme, target.host, target.port) != (origin.scheme, origin.host, origin.port):
            raise RedirectRefused("a redirect to another host is not followed")
        return str(target)

    async def _request(self, method: str, url: str, *, timeout: float, keep: int, **kwargs: Any) -> Answer:
        try:
            _SCHEME.set(self._scheme(url))
        except UrlRefused as error:
            raise BlockedAddress(error.detail) from error
        assert self._session is not None
        limits = aiohttp.ClientTimeout(total=timeout, sock_connect=min(CONNECT_SECONDS, timeout))
        try:
            async with self._session.request(method, url, allow_redirects=False, timeout=limits, **kwargs) as response:
                body, truncated = await _read(response, keep)
                if truncated:
                    response.close()
                return Answer(response.status, response.headers, body, truncated)
        except TimeoutError:
            raise TimedOut(f"no whole answer within {timeout:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if _was_refused(error):
                raise BlockedAddress("the address, or the port, is not one this product connects to") from error
            raise _kind_of(error)(type(error).__name__) from error


def _kind_of(error: Exception) -> type[OutboundError]:
    """What an owner has to look at: name servers, certificates, or the rest."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return NameNotResolved
    return TlsFailed if isinstance(error, aiohttp.ClientSSLError) else OutboundError


def _was_refused(error: BaseException | None) -> bool:
    """Whether the policy's refusal is behind `error`, or among several tries that failed."""
    if error is None or isinstance(error, _Refused):
        return error is not None
    tries = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return _was_refused(error.__cause__ or error.__context__) or any(_was_refused(each) for each in tries)


async def _read(response: aiohttp.ClientResponse, keep: int) -> tuple[bytes, bool]:
    """At most `keep` bytes, and whether there was more."""
    chunks, size = [], 0
    async for chunk in response.content.iter_any():
        chunks.append(chunk)
        size += len(chunk)
        if size > keep:
            return b"".join(chunks)[:keep], True
    return b"".join(chunks), False
