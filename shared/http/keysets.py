"""The key set that access tokens are checked against, fetched from the token issuer and kept over its outages."""

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import jwt
import orjson
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from shared.http.outbound import OutboundClient, OutboundError
from shared.postgres.database import Database, Unavailable

log = structlog.get_logger()

MIN_INTERVAL = 30.0
MAX_AGE = 600.0
_FIRST_INTERVAL = 1.0  # while no key is known nobody can get in
_TIMEOUT = 3.0
_MAX_BYTES = 64 * 1024


class RemoteKeySet:
    """A JWKS by URL (RFC 7517, section 5).

    Fetched when an unknown key id shows up, at most each 30 s, and each 10 minutes, so that a key taken away is gone
    here too. The last good copy is kept in the service's database, so that a restart while the token issuer is down
    locks nobody out.
    """

    def __init__(self, url: str, client: OutboundClient, db: Database) -> None:
        self._url, self._client, self._db = url, client, db
        self._keys: dict[str, Ed25519PublicKey] = {}
        self._fetched_at = float("-inf")
        self._loaded = False
        self._fetching = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None

    async def key(self, kid: str) -> Ed25519PublicKey | None:
        """The key of that id, or None. Raises Unavailable when no copy exists and none can be fetched now."""
        if kid not in self._keys:
            await self._look_for(kid)
        elif time.monotonic() - self._fetched_at > MAX_AGE and (self._refreshing is None or self._refreshing.done()):
            self._refreshing = asyncio.create_task(self._look_for(None))
        if not self._keys:
            raise Unavailable("the token issuer's keys are not known yet")
        return self._keys.get(kid)

    async def _look_for(self, kid: str | None) -> None:
        async with self._fetching:
            if not self._loaded and kid not in self._keys:
                await self._load()
            interval = MIN_INTERVAL if self._keys else _FIRST_INTERVAL
            if kid not in self._keys and time.monotonic() - self._fetched_at > interval:
                await self._fetch()

    async def _load(self) -> None:
        try:
            async with self._db.worker() as tx:
                document = await tx.fetchval("SELECT document FROM jwks_cache WHERE url = $1", self._url)
        except Unavailable:
            return  # the issuer may still answer
        if document is not None:
            self._keys = read_key_set(document)
        self._loaded = True

    async def _fetch(self) -> None:
        self._fetched_at = time.monotonic()
        try:
            answer = await self._client.get(self._url, timeout=_TIMEOUT, max_bytes=_MAX_BYTES)
            if answer.status != 200:
                raise ValueError(f"answered {answer.status}")
            document = orjson.loads(answer.body)
            keys = read_key_set(document)
        except (OutboundError, ValueError) as error:
            log.warning("keyset.fetch_failed", url=self._url, error=str(error))
            return
        if keys:
            self._keys = keys
            await self._save(document)

    async def _save(self, document: Any) -> None:
        try:
            async with self._db.worker() as tx:
                await tx.execute(
                    "INSERT INTO jwks_cache VALUES ($1, $2, $3) ON CONFLICT (url) DO UPDATE"
                    " SET document = excluded.document, fetched_at = excluded.fetched_at",
                    self._url,
                    document,
                    datetime.now(UTC),
                )
        except Unavailable as error:
            log.warning("keyset.not_kept", error=str(error))


def read_key_set(document: Any) -> dict[str, Ed25519PublicKey]:
    """The Ed25519 keys of a JWKS, by key id; other kinds are passed over. Raises ValueError when it is no key set."""
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("not a JSON Web Key Set")
    keys: dict[str, Ed25519PublicKey] = {}
    for entry in document["keys"]:
        if not isinstance(entry, dict) or entry.get("crv") != "Ed25519" or not isinstance(entry.get("kid"), str):
            continue
        try:
            key = jwt.PyJWK(entry, algorithm="EdDSA").key
        except jwt.PyJWTError:
            continue
        if isinstance(key, Ed25519PublicKey):
            keys[entry["kid"]] = key
    return keys
