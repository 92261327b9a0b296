"""Stop an institution from issuing."""

from datetime import datetime
from uuid import UUID

from services.issuer.commands import announce
from services.issuer.domain import institution as rules
from services.issuer.domain.institution import Institution
from services.issuer.store import institutions
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def suspend_institution(tx: Transaction, institution_id: UUID, reason: str, *, now: datetime) -> Institution:
    """Nothing is issued or published after this commits; what was issued stays. Raises Unknown, WrongState."""
    suspended = rules.suspend(await institutions.lock(tx, institution_id), reason, now)
    await institutions.save_suspension(tx, suspended)
    await outbox.append(tx, announce.institution_suspended(suspended), at=now)
    return suspended
