"""Send a letter again because a person says so."""

from datetime import datetime
from uuid import UUID

from services.notifier.store import letters
from shared.postgres.database import Transaction


class LinkExpired(Exception):
    """The letter's claim link leads nowhere any more; the learner can ask for a new one."""


async def resend_letter(tx: Transaction, letter_id: UUID, *, now: datetime) -> None:
    """Put a letter that `tx` may see first in line, as a new edition. Raises LinkExpired."""
    letter = await letters.lock(tx, letter_id)
    assert letter is not None, "letters are never removed"
    if letter.link_expires_at is not None and letter.link_expires_at <= now:
        raise LinkExpired
    await letters.send_again(tx, letter_id)
