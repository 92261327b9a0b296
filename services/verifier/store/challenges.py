"""Questions given out, each to be answered once."""

from datetime import datetime

from shared.postgres.database import Transaction


async def add(tx: Transaction, challenge: str, expires_at: datetime) -> None:
    """Keep a question until then, and forget those whose time is over."""
    await tx.execute("DELETE FROM challenge WHERE expires_at < clock_timestamp()")
    await tx.execute("INSERT INTO challenge (challenge, expires_at) VALUES ($1, $2)", challenge, expires_at)


async def use_up(tx: Transaction, challenge: str, now: datetime) -> bool:
    """Whether the question may be answered still; it cannot be again."""
    found = await tx.fetchval(
        "DELETE FROM challenge WHERE challenge = $1 AND expires_at > $2 RETURNING true", challenge, now
    )
    return bool(found)
