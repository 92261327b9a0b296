"""Give an endpoint new secrets; the old ones stay valid for a while, so that the platform can change over, or end."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from services.notifier.domain.endpoint import Endpoint, check_rotation
from services.notifier.domain.errors import Unknown
from services.notifier.domain.signature import new_secret, public_key_of
from services.notifier.store import endpoints, secrets
from shared.credentials.sealing import Sealer
from shared.postgres.database import Transaction


async def rotate_secret(
    tx: Transaction, endpoint_id: UUID, grace: timedelta, *, sealer: Sealer, now: datetime
) -> tuple[Endpoint, str]:
    """Replace a secret of each kind that the endpoint's signatures use; gives the endpoint and the new `v1` secret.

    The old ones sign beside the new, none of them longer than `grace`, whatever it was promised before: after a leak a
    grace of nothing ends them all. A key pair not in use ends too, and is made anew when it is asked for again. Raises
    Unknown, TooManySecrets.
    """
    endpoint = await endpoints.lock(tx, endpoint_id)
    if endpoint is None:
        raise Unknown("there is no such endpoint")
    check_rotation(await secrets.live(tx, endpoint_id, now), grace, now)
    await secrets.retire(tx, endpoint_id, now + grace)
    made = {kind: new_secret(kind) for kind in endpoint.signatures}
    for kind, secret in made.items():
        await secrets.add(tx, endpoint, secret, kind, sealer)
    public_key = public_key_of(made["v1a"]) if "v1a" in made else None
    endpoint = replace(endpoint, public_key=public_key, version=endpoint.version + 1)
    await endpoints.save(tx, endpoint)
    return endpoint, made["v1"]
