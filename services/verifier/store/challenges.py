"""Challenges that were answered, kept until their time is over."""

from datetime import datetime

from shared.postgres.database import Transaction


async def use_up(tx: Transaction, challenge: str, expires_at: datetime) -> bool:
    """Note that a challenge was answered; False when it was before. Forgets those whose time is over."""
    await tx.execute("DELETE FROM answered_challenge WHERE expires_at < clock_timestamp()")
    used = await tx.fetchval(
        "INSERT INTO answered_challenge (challenge, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true",
        *(challenge, expires_at),
    )
    return bool(used)
