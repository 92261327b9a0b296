"""Record how a letter's try went, and what its address is to be spared."""

from services.notifier.store import letter_queue, refusals
from services.notifier.store.letter_queue import Try
from shared.postgres.database import Transaction


async def record_try(tx: Transaction, done: Try, *, index: bytes | None, dead: bool) -> None:
    """Store the try and settle its letter. `index` is the keyed hash of the address, None where it was not tried;
    `dead` says that no mailbox is there. An address that had bounced, and takes a letter sent again, is alive."""
    await letter_queue.record(tx, done)
    if index is not None and dead:
        await refusals.add(tx, index, "bounced")
    elif index is not None and done.state == "sent" and done.letter.vouched:
        await refusals.lift(tx, [index], "bounced")
