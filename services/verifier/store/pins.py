"""Keys of foreign issuers as they were first seen."""

from collections.abc import Mapping
from datetime import datetime

from shared.postgres.database import Transaction

_SAVE = """
INSERT INTO pinned_key AS p (verification_method, did, public_key_multibase, first_seen_at, last_seen_at)
SELECT method, $1, key, $4, $4 FROM unnest($2::text[], $3::text[]) AS given(method, key) ORDER BY method
ON CONFLICT (verification_method) DO UPDATE SET last_seen_at = excluded.last_seen_at
WHERE p.last_seen_at < excluded.last_seen_at - interval '1 hour'
"""


async def of_did(tx: Transaction, did: str) -> tuple[dict[str, str], datetime | None]:
    """The keys seen so far by verification method, and when one of them was seen last."""
    rows = await tx.fetch(
        "SELECT verification_method, public_key_multibase, last_seen_at FROM pinned_key WHERE did = $1", did
    )
    keys = {row["verification_method"]: row["public_key_multibase"] for row in rows}
    return keys, max((row["last_seen_at"] for row in rows), default=None)


async def save(tx: Transaction, did: str, keys: Mapping[str, str], now: datetime) -> None:
    """Remember keys; one that is known keeps its key and first time."""
    await tx.execute(_SAVE, did, list(keys), list(keys.values()), now)
