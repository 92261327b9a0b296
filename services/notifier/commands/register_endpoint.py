"""Register where a platform listens."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.notifier.domain.endpoint import Endpoint
from services.notifier.domain.errors import TooManyEndpoints
from services.notifier.domain.signature import new_secret, public_key_of
from services.notifier.store import endpoints, secrets
from shared.credentials.sealing import Sealer
from shared.events.ids import new_id
from shared.postgres.database import Transaction


async def register_endpoint(
    tx: Transaction,
    institution_id: UUID,
    *,
    headers: Mapping[str, str] | None = None,
    sealer: Sealer,
    now: datetime,
    most: int,
    must_verify: bool = False,
    **asked: Any,
) -> tuple[Endpoint, str]:
    """Store an endpoint, active at once unless it `must_verify` first; gives it and its secret, which nobody can read
    again.

    `asked` are fields of `Endpoint`, among them `url` and `events`; they were checked, as `headers` of its own were.
    Raises TooManyEndpoints where the institution has `most` already.
    """
    if await endpoints.count(tx) >= most:
        raise TooManyEndpoints(f"there are {most} endpoints already; remove one that is not used any more")
    own = headers or {}
    endpoint = Endpoint(
        id=new_id(),
        institution_id=institution_id,
        created_at=now,
        header_names=list(own),
        state="unverified" if must_verify else "active",
        **asked,
    )
    private = new_secret("v1a") if "v1a" in endpoint.signatures else None
    if private is not None:
        endpoint = replace(endpoint, public_key=public_key_of(private))
    await endpoints.add(tx, endpoint)
    secret = new_secret()
    await secrets.add(tx, endpoint, secret, "v1", sealer)
    if private is not None:
        await secrets.add(tx, endpoint, private, "v1a", sealer)
    if own:
        await secrets.save_headers(tx, endpoint.id, own, sealer)
    return endpoint, secret
