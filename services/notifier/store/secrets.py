"""Secrets of endpoints, sealed at rest; several of a kind may be live while one replaces another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.notifier.domain.endpoint import Endpoint, Secret
from services.notifier.domain.signature import Key, Kind, key_of
from shared.credentials.sealing import CannotUnseal, Sealed, Sealer
from shared.postgres.database import Transaction

_SECRETS = "endpoint_secret"
_HEADERS = "endpoint.headers"
_LOAD = """
SELECT e.id, e.headers, e.headers_kek_id, (
    SELECT array_agg(row(s.n, s.ciphertext, s.kek_id, s.expires_at)
        ORDER BY s.expires_at DESC NULLS FIRST, s.kind, s.n DESC)
    FROM endpoint_secret s WHERE s.endpoint_id = e.id AND s.kind = ANY(e.signatures)) AS secrets
FROM endpoint e WHERE e.id = ANY($1)
"""


@dataclass(frozen=True, slots=True)
class Carried:
    """What a request to an endpoint carries: signatures of these keys, the current ones first, and headers of its own.
    Old keys have an end."""

    keys: Sequence[tuple[Key, datetime | None]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def valid(self, now: datetime) -> list[Key]:
        """The keys that sign at that time."""
        return [key for key, end in self.keys if end is None or end > now]


async def add(tx: Transaction, endpoint: Endpoint, secret: str, kind: Kind, sealer: Sealer) -> None:
    """Seal and insert a secret, which is the current one of its kind."""
    n = await tx.fetchval("SELECT coalesce(max(n), 0) + 1 FROM endpoint_secret WHERE endpoint_id = $1", endpoint.id)
    sealed = sealer.seal(secret.encode(), _SECRETS, f"{endpoint.id}/{n}")
    await tx.execute(
        "INSERT INTO endpoint_secret (institution_id, endpoint_id, n, kind, ciphertext, kek_id)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        endpoint.institution_id,
        endpoint.id,
        n,
        kind,
        sealed.ciphertext,
        sealed.kek_id,
    )


async def live(tx: Transaction, endpoint_id: UUID, now: datetime) -> list[Secret]:
    """The secrets that are valid, without what they hold."""
    rows = await tx.fetch(
        "SELECT n, kind, expires_at FROM endpoint_secret"
        " WHERE endpoint_id = $1 AND (expires_at IS NULL OR expires_at > $2) ORDER BY n",
        endpoint_id,
        now,
    )
    return [Secret(**dict(row)) for row in rows]


async def retire(tx: Transaction, endpoint_id: UUID, until: datetime) -> None:
    """Let every secret of the endpoint end then, unless it ends before."""
    await tx.execute(
        "UPDATE endpoint_secret SET expires_at = $2 WHERE endpoint_id = $1 AND (expires_at IS NULL OR expires_at > $2)",
        endpoint_id,
        until,
    )


async def forget_expired(tx: Transaction, now: datetime) -> None:
    """Delete the secrets that sign no more."""
    await tx.execute("DELETE FROM endpoint_secret WHERE expires_at <= $1", now)


async def save_headers(tx: Transaction, endpoint_id: UUID, headers: Mapping[str, str], sealer: Sealer) -> None:
    """Seal and write the endpoint's own headers; their names stand in the clear."""
    sealed = sealer.seal(orjson.dumps(dict(headers)), _HEADERS, endpoint_id) if headers else None
    await tx.execute(
        "UPDATE endpoint SET header_names = $2, headers = $3, headers_kek_id = $4 WHERE id = $1",
        endpoint_id,
        list(headers),
        sealed.ciphertext if sealed else None,
        sealed.kek_id if sealed else None,
    )


async def load(
    tx: Transaction, endpoint_ids: Sequence[UUID], sealer: Sealer
) -> tuple[dict[UUID, Carried], dict[UUID, str]]:
    """What requests to endpoints carry, unsealed; and what is wrong with those whose secrets cannot be read. Those that
    are gone are in neither."""
    found: dict[UUID, Carried] = {}
    unreadable: dict[UUID, str] = {}
    for row in await tx.fetch(_LOAD, list(endpoint_ids)):
        try:
            found[row["id"]] = _unsealed(row, sealer)
        except CannotUnseal as error:
            unreadable[row["id"]] = str(error)
    return found, unreadable


def _unsealed(row: Any, sealer: Sealer) -> Carried:
    keys = [
        (key_of(sealer.unseal(Sealed(ciphertext, kek_id), _SECRETS, f"{row['id']}/{n}").decode()), end)
        for n, ciphertext, kek_id, end in row["secrets"] or []
    ]
    if row["headers"] is None:
        return Carried(keys)
    sealed = Sealed(row["headers"], row["headers_kek_id"])
    return Carried(keys, orjson.loads(sealer.unseal(sealed, _HEADERS, row["id"])))
