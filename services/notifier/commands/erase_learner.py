"""Forget a learner's address."""

from datetime import datetime

from services.notifier.domain.mailbox import Mailbox
from services.notifier.store import addressees
from shared.credentials.sealing import Sealer
from shared.postgres.database import Transaction


async def erase_learner(tx: Transaction, mailbox: Mailbox, *, sealer: Sealer, now: datetime) -> int:
    """Erase the address from every credential and letter; gives of how many credentials. A replay does not bring it
    back. That it unsubscribed or bounced stays known, by keyed hash, so that it is left in peace."""
    return await addressees.erase(tx, sealer.blind_indexes(mailbox.searchable), now)
