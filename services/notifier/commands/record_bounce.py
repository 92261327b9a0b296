"""Note what a mail server reported about a letter after accepting it."""

from datetime import datetime
from uuid import UUID

from services.notifier.domain.posting import is_dead
from services.notifier.store import addressees, letters, refusals
from services.notifier.store.letters import Letter
from shared.postgres.database import Transaction


async def record_bounce(tx: Transaction, letter_id: UUID, status: str, *, failed: bool, now: datetime) -> Letter | None:
    """The letter as it is then, or None when there is no such letter. Only what failed for good changes it, and only a
    missing mailbox (5.x.x, not a full one) ends later letters to the address."""
    letter = await letters.lock(tx, letter_id)
    if letter is None or not failed:
        return letter
    await letters.bounce(tx, letter_id, "reported", now)
    if status.startswith("5.") and is_dead(status) and letter.credential_id is not None:
        index = await addressees.index_of(tx, letter.credential_id)
        if index is not None:
            await refusals.add(tx, index, "bounced")
    return await letters.get(tx, letter_id)
