"""Change an endpoint: its address, what it hears and how, whether it gets anything."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from services.notifier.domain.endpoint import Endpoint, moved_away
from services.notifier.domain.errors import Stale, Unknown, WrongState
from services.notifier.domain.signature import new_secret, public_key_of
from services.notifier.store import endpoints, holds, secrets
from shared.credentials.sealing import Sealer
from shared.postgres.database import Transaction


async def change_endpoint(
    tx: Transaction,
    endpoint_id: UUID,
    changes: Mapping[str, Any],
    *,
    headers: Mapping[str, str] | None = None,
    expected: int | None,
    sealer: Sealer,
    must_verify: bool = False,
) -> Endpoint:
    """Apply `changes`, fields of `Endpoint`, to the version `expected`, or to whatever it is for None; `headers`
    replace those it has.

    A new address, and being made active, forget past failures and send what waits; where endpoints `must_verify`, it
    is sent after that. Who wants order no more gets what was held for it. Raises Unknown, Stale, and WrongState for
    making one active that is not verified.
    """
    endpoint = await endpoints.lock(tx, endpoint_id)
    if endpoint is None:
        raise Unknown("there is no such endpoint")
    if expected is not None and endpoint.version != expected:
        raise Stale("the endpoint was changed meanwhile; fetch it again")
    changed = replace(endpoint, **changes, version=endpoint.version + 1)
    moved = changed.url != endpoint.url
    if moved:
        changed = moved_away(changed, must_verify=must_verify)
    if changes.get("state") == "active" and must_verify and changed.verified_at is None:
        raise WrongState("the endpoint has to be verified before it gets anything")
    if moved or changes.get("state") == "active":
        changed = replace(changed, fail_streak=0, failing_since=None)
        await endpoints.forget_failures(tx, endpoint_id, moved=moved)
    if changed.state != "disabled":
        changed = replace(changed, disabled_reason=None)
    if headers is not None:
        changed = replace(changed, header_names=list(headers))
        await secrets.save_headers(tx, endpoint_id, headers, sealer)
    if "v1a" in changed.signatures and changed.public_key is None:
        private = new_secret("v1a")
        await secrets.add(tx, changed, private, "v1a", sealer)
        changed = replace(changed, public_key=public_key_of(private))
    await endpoints.save(tx, changed)
    if endpoint.ordered and not changed.ordered:
        await holds.release_all(tx, endpoint_id)
    return changed
