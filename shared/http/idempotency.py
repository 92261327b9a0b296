"""A retried POST has one effect: the answer is stored in the transaction of the effect and given again.

A concurrent twin blocks on the primary key until the first is through, and then replays its answer.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
from fastapi import Request
from fastapi.responses import Response

from shared.http.auth import Principal
from shared.http.problems import BadRequest, InvalidInput, RequestInProgress
from shared.postgres.database import Database, Transaction

HEADER = "Idempotency-Key"
KEEP_HOURS = 24
# A key that is older than its keep, and not purged yet, is free again.
_CLAIM = """
INSERT INTO idempotency AS kept (principal, key, route, fingerprint) VALUES ($1, $2, $3, $4)
ON CONFLICT (principal, key) DO UPDATE SET route = excluded.route, fingerprint = excluded.fingerprint,
    status = NULL, headers = NULL, body = NULL, created_at = excluded.created_at
WHERE kept.created_at < clock_timestamp() - make_interval(hours => $5) RETURNING true
"""
KEY_PATTERN = r'^(?:"[\x20\x21\x23-\x7e]+"|[\x21\x23-\x7e]+)$'
MAX_KEY = 255
_KEY = re.compile(KEY_PATTERN)


@dataclass(frozen=True, slots=True)
class Result:
    """What a command answers: a status, a JSON value, and headers such as Location."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    def response(self, **extra: str) -> Response:
        """As an HTTP response."""
        return Response(orjson.dumps(self.body), self.status, {**self.headers, **extra}, media_type="application/json")


async def once(
    tx: Transaction, request: Request, principal: Principal, command: Callable[[], Awaitable[Result]]
) -> Response:
    """Run `command` in `tx`, or give the answer of the first request with the same Idempotency-Key.

    Without the header the command simply runs. Raises BadRequest for a malformed key, InvalidInput when the key came
    with another request before, RequestInProgress when that one is still running after the lock timeout.
    """
    key = key_of(request)
    if key is None:
        return (await command()).response()
    route = f"{request.method} {request.scope['path']}"
    fingerprint = hashlib.sha256(route.encode() + b"\n" + _canonical(await request.body())).digest()
    if principal.is_operator:  # a tenant's transaction has its lock_timeout already
        await tx.execute("SET LOCAL lock_timeout = '2s'")
    if not await _claim(tx, principal.name, key, route, fingerprint):
        return await _replay(tx, principal.name, key, fingerprint)
    result = await command()
    response = result.response()
    await tx.execute(
        "UPDATE idempotency SET status = $3, headers = $4, body = $5 WHERE principal = $1 AND key = $2",
        principal.name,
        key,
        result.status,
        result.headers,
        response.body,
    )
    return response


async def purge(db: Database) -> int:
    """Forget answers older than a day; gives how many."""
    async with db.worker() as tx:
        tag = await tx.execute(
            "DELETE FROM idempotency WHERE created_at < clock_timestamp() - make_interval(hours => $1)", KEEP_HOURS
        )
    return int(tag.rpartition(" ")[2])


def key_of(request: Request) -> str | None:
    """The request's Idempotency-Key, quoted or bare. Raises BadRequest for a malformed one."""
    values = request.headers.getlist(HEADER)
    if not values:
        return None
    match = _KEY.fullmatch(values[0]) if len(values) == 1 else None
    key = match[0].strip('"') if match else ""
    if not 1 <= len(key) <= MAX_KEY:
        detail = f"{HEADER} must be 1 to 255 visible ASCII characters, once"
        raise BadRequest(detail, code="invalid-idempotency-key")
    return key


def _canonical(body: bytes) -> bytes:
    """The same JSON written with other spaces or another order of keys is the same request."""
    try:
        return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    except orjson.JSONDecodeError:
        return body


async def _claim(tx: Transaction, principal: str, key: str, route: str, fingerprint: bytes) -> bool:
    try:
        return bool(await tx.fetchval(_CLAIM, principal, key, route, fingerprint, KEEP_HOURS))
    except asyncpg.LockNotAvailableError:
        detail = "the first request with this Idempotency-Key is still running"
        raise RequestInProgress(detail, headers={"Retry-After": "2"}) from None


async def _replay(tx: Transaction, principal: str, key: str, fingerprint: bytes) -> Response:
    row = await tx.fetchrow(
        "SELECT fingerprint, status, headers, body FROM idempotency WHERE principal = $1 AND key = $2", principal, key
    )
    if row is None:
        raise RequestInProgress("the first request with this Idempotency-Key is still running")
    if row["fingerprint"] != fingerprint:
        detail = "this Idempotency-Key was used before with another request"
        raise InvalidInput(detail, code="idempotency-key-reused")
    headers = {**row["headers"], "Idempotent-Replay": "true"}
    return Response(row["body"], row["status"], headers, media_type="application/json")
