"""That an endpoint's owner was warned."""

from datetime import datetime
from uuid import UUID

from shared.postgres.database import Transaction


async def note(tx: Transaction, endpoint_id: UUID, at: datetime) -> int | None:
    """Remember that a warning was given; gives the version of its event, None for an endpoint that is off already."""
    version = await tx.fetchval(
        "UPDATE endpoint SET warned_at = $2, event_version = event_version + 1 WHERE id = $1 AND state = 'active'"
        " RETURNING event_version",
        endpoint_id,
        at,
    )
    return int(version) if version is not None else None
