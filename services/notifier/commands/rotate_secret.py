"""Give an endpoint new secrets; the old ones stay valid for a while, so that the platform can change over."""

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

    The old ones sign beside the new until `grace` is over. Raises Unknown, TooManySecrets.
    """
    endpoint = await endpoints.lock(tx, endpoint_id)
    if endpoint is None:
        raise Unknown("there is no such endpoint")
    check_rotation(await secrets.live(tx, endpoint_id, now), now)
    await secrets.retire(tx, endpoint_id, endpoint.signatures, now + grace)
    made = {kind: new_secret(kind) for kind in endpoint.signatures}
    for kind, secret in made.items():
        await secrets.add(tx, endpoint, secret, kind, sealer)
    endpoint = replace(endpoint, version=endpoint.version + 1)
    if "v1a" in made:
        endpoint = replace(endpoint, public_key=public_key_of(made["v1a"]))
    await endpoints.save(tx, endpoint)
    return endpoint, made["v1"]
