"""Let letters go again to the learner of a credential who had ended them."""

from uuid import UUID

from services.notifier.commands.read_standing import Standing, read_standing
from services.notifier.store import refusals
from shared.credentials.sealing import Sealer
from shared.postgres.database import Transaction


async def resubscribe(tx: Transaction, credential_id: UUID, *, sealer: Sealer) -> Standing:
    """Letters go to that address again, unless it is one that bounced; gives how it stood. Twice is as good as once.
    What was not sent meanwhile stays so."""
    standing = await read_standing(tx, credential_id, sealer=sealer)
    await refusals.lift(tx, standing.indexes, "unsubscribed")
    return standing
