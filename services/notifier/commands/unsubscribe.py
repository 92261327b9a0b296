"""End the letters to the learner of a credential."""

from uuid import UUID

from services.notifier.store import addressees, refusals
from shared.postgres.database import Transaction


async def unsubscribe(tx: Transaction, credential_id: UUID) -> None:
    """No more letters to that address, whoever they are from, but those it asks for. Twice is as good as once; where
    the address was erased there is nobody left to write to."""
    index = await addressees.index_of(tx, credential_id)
    if index is not None:
        await refusals.add(tx, index, "unsubscribed")
