"""Register where a platform listens."""

from datetime import datetime
from uuid import UUID

from services.notifier.domain.endpoint import Endpoint
from services.notifier.domain.signature import new_secret
from services.notifier.store import endpoints
from shared.credentials.sealing import Sealer
from shared.events.ids import new_id
from shared.postgres.database import Transaction


async def register_endpoint(
    tx: Transaction,
    institution_id: UUID,
    *,
    url: str,
    events: list[str],
    description: str | None,
    sealer: Sealer,
    now: datetime,
) -> tuple[Endpoint, str]:
    """Store an endpoint, active at once; gives it and its secret, which nobody can read again. `url` was checked."""
    endpoint = Endpoint(
        id=new_id(),
        institution_id=institution_id,
        url=url,
        description=description,
        events=events,
        state="active",
        disabled_reason=None,
        fail_streak=0,
        failing_since=None,
        version=1,
        created_at=now,
    )
    secret = new_secret()
    await endpoints.add(tx, endpoint, sealer.seal(secret.encode(), endpoints.SECRETS, f"{endpoint.id}/1"))
    return endpoint, secret
