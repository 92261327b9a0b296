"""Addresses that get no letters, known by keyed hash alone."""

from collections.abc import Sequence

from services.notifier.domain.letter import Refusal
from shared.postgres.database import Transaction


async def add(tx: Transaction, index: bytes, reason: Refusal) -> None:
    """From now on, no letters there."""
    await tx.execute(
        "INSERT INTO refusal (address_index, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING", index, reason
    )


async def find(tx: Transaction, indexes: Sequence[bytes]) -> frozenset[str]:
    """Why an address gets no letters; empty for one that does. `indexes` are the address's hashes under all keys."""
    rows = await tx.fetch("SELECT DISTINCT reason FROM refusal WHERE address_index = ANY($1)", list(indexes))
    return frozenset(row["reason"] for row in rows)


async def lift(tx: Transaction, indexes: Sequence[bytes], reason: Refusal) -> None:
    """That is no reason any more. `indexes` are as in `find`."""
    await tx.execute("DELETE FROM refusal WHERE address_index = ANY($1) AND reason = $2", list(indexes), reason)
