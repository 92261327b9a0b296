"""Find the keys of an issuer that is not, or not fully, in our own store."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.verifier.commands.fetch import Fetcher, FetchFailed
from services.verifier.commands.memory import Flights, Memory
from services.verifier.domain.answer import Reason
from services.verifier.domain.did_document import UnusableDidDocument, did_jwk, did_key, keys_of
from services.verifier.domain.pinning import contradiction
from services.verifier.store import pins
from shared.credentials import controlled_url, did_web_url
from shared.postgres.database import Database

log = structlog.get_logger()

MAX_BYTES = 64 * 1024
TIMEOUT_SECONDS = 3.0
MAX_DID = 1000
_REMEMBERED = 1000
_GOOD_SECONDS, _OURS_SECONDS, _FAILED_SECONDS = 300.0, 5.0, 5.0
_PIN_LASTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Multikeys by verification method: to assert with, and to authenticate with.

    `trouble` says why there are none, or why there may be newer ones.
    """

    keys: dict[str, str] = field(default_factory=dict)
    authentication: dict[str, str] = field(default_factory=dict)
    trouble: Reason | None = None


class Resolver:
    """Resolves did:key and did:jwk by themselves and did:web over HTTP, remembering what it found."""

    def __init__(self, db: Database, fetcher: Fetcher, clock: Callable[[], datetime]) -> None:
        self._db, self._fetcher, self._clock = db, fetcher, clock
        self._memory: Memory[str, Resolved] = Memory(_REMEMBERED)
        self._flights: Flights[str, Resolved] = Flights()

    async def resolve(self, did: str, client: str, *, is_ours: bool) -> Resolved:
        """The keys a DID stands for now. `is_ours`: an institution of ours, whose keys need no pinning.

        Raises TooManyFetches when `client` used up its share, Unavailable.
        """
        if did.startswith(("did:key:", "did:jwk:")):
            return _read_key(did)
        try:
            url = _url_of(did, allow_http=self._fetcher.allows_http)
        except ValueError as error:
            return Resolved(trouble=_unresolvable(str(error)))
        if (known := self._memory.get(did)) is not None:
            return known
        if not self._flights.has(did):
            self._fetcher.spend(client)
        return await self._flights.join(did, lambda: self._resolve(did, url, is_ours))

    async def _resolve(self, did: str, url: str, is_ours: bool) -> Resolved:
        now = self._clock()
        try:
            document = await self._fetcher.json(url, timeout=TIMEOUT_SECONDS, max_bytes=MAX_BYTES)
            found = Resolved(keys_of(document, did, now), _authentication(document, did, now))
        except (FetchFailed, UnusableDidDocument) as error:
            found = Resolved(trouble=_unresolvable(str(error)))
        if not is_ours:
            found = await self._compare(did, found)
        good = _OURS_SECONDS if is_ours else _GOOD_SECONDS
        self._memory.put(did, found, good if found.trouble is None else _FAILED_SECONDS)
        return found

    async def _compare(self, did: str, found: Resolved) -> Resolved:
        """Hold what was found against the keys first seen, and add to those. They stand in while the DID is away."""
        now = self._clock()
        async with self._db.worker() as tx:
            pinned, seen_at = await pins.of_did(tx, did)
            if found.trouble is not None:
                recent = seen_at is not None and now - seen_at < _PIN_LASTS
                return Resolved(pinned, trouble=found.trouble) if recent else found
            changed = contradiction(pinned, found.keys)
            if changed is None:
                await pins.save(tx, did, found.keys, now)
                return found
        log.error("issuer.key_changed", did=did, reason=changed.detail)
        return Resolved(found.keys, trouble=changed)


def _authentication(document: Any, did: str, now: datetime) -> dict[str, str]:
    try:
        return keys_of(document, did, now, "authentication")
    except UnusableDidDocument:
        return {}


def _read_key(did: str) -> Resolved:
    if len(did) > MAX_DID:
        return Resolved(trouble=_unresolvable("the DID is too long"))
    try:
        keys = did_key(did) if did.startswith("did:key:") else did_jwk(did)
        return Resolved(keys, keys)
    except UnusableDidDocument as error:
        return Resolved(trouble=_unresolvable(str(error)))


def _url_of(did: str, *, allow_http: bool) -> str:
    if len(did) > MAX_DID:
        raise ValueError("the DID is too long")
    if did.startswith(("https://", "http://")):
        return controlled_url(did, allow_http=allow_http)
    if not did.startswith("did:web:"):
        raise ValueError("only did:web, did:key, did:jwk and https identifiers are resolved here")
    return did_web_url(did, allow_http=allow_http)


def _unresolvable(detail: str) -> Reason:
    return Reason("did-unresolvable", f"The issuer's DID cannot be resolved: {detail}.")
