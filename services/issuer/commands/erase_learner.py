"""Forget whom credentials were issued to. The credentials stay: they name their learner by salted hash."""

from datetime import datetime
from uuid import UUID

from services.issuer.commands.seal_recipient import RecipientSealer
from services.issuer.domain.recipient import Recipient
from services.issuer.store import credentials
from services.issuer.store.credentials import Erased
from shared.events.catalogue.learner import LearnerErased
from shared.outbox import outbox
from shared.postgres.database import Transaction
from shared.telemetry.tracing import current_traceparent


async def erase_learner(
    tx: Transaction, institution_id: UUID, learner: Recipient, limit: int, *, sealer: RecipientSealer, now: datetime
) -> int:
    """Erase address and name from up to `limit` of the institution's credentials to the learner, and have all others do
    the same (learner.erased, for each); gives from how many."""
    erased = await credentials.erase(tx, institution_id, sealer.indexes(learner), limit, now)
    traceparent = current_traceparent()
    await outbox.append_all(tx, [(erased_event(one), now, traceparent) for one in erased])
    return len(erased)


def erased_event(erased: Erased) -> LearnerErased:
    """The event of an erasure, the first time and again in a replay."""
    return LearnerErased(
        version=erased.version,
        credential_id=erased.credential_id,
        institution_id=erased.institution_id,
        erased_at=erased.at,
    )
