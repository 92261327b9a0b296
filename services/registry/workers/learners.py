"""What is done for learners by the clock: links are sent, and credentials taken back from suspended platforms."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from services.registry.commands.offer_claims import Offerer
from services.registry.commands.unshare_credential import withdraw_shares
from services.registry.store import learner_tokens
from shared.postgres.database import Database, Transaction

OFFER_SECONDS = 0.5
WITHDRAW_SECONDS = 5.0
_BATCH = 200
_BATCHES = 20  # a turn ends, so that a flood does not keep the process from stopping


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


async def offer_claims(db: Database, offerer: Offerer) -> None:
    """Send the links that are wanted. Raises Unavailable."""
    await _in_batches(db, lambda tx: offerer.offer_claims(tx, _BATCH, now=utc_now()))


async def withdraw(db: Database) -> None:
    """Take back what is shared with suspended platforms. Raises Unavailable."""
    await _in_batches(db, lambda tx: withdraw_shares(tx, _BATCH, now=utc_now()))


async def purge(db: Database) -> None:
    """Forget what learners can use no more. Raises Unavailable."""
    async with db.worker() as tx:
        await learner_tokens.purge(tx, utc_now())


async def _in_batches(db: Database, work: Callable[[Transaction], Awaitable[int]]) -> None:
    for _ in range(_BATCHES):
        async with db.worker() as tx:
            done = await work(tx)
        if done < _BATCH:
            return
