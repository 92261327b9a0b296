"""Send a letter again because a person says so."""

from datetime import datetime
from uuid import UUID

from services.notifier.store import letters
from shared.postgres.database import Transaction


class UnknownLetter(Exception):
    """There is no such letter, or it is another institution's."""


class LinkExpired(Exception):
    """The letter's claim link leads nowhere any more; the learner can ask for a new one."""


async def resend_letter(tx: Transaction, letter_id: UUID, *, now: datetime) -> None:
    """Put the letter first in line, as a new edition. Raises UnknownLetter, LinkExpired."""
    letter = await letters.lock(tx, letter_id)
    if letter is None:
        raise UnknownLetter
    if letter.link_expires_at is not None and letter.link_expires_at <= now:
        raise LinkExpired
    await letters.send_again(tx, letter_id)
