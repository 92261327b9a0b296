"""Change an endpoint: its address, its filter, whether it gets anything."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from services.notifier.domain.endpoint import Endpoint
from services.notifier.store import endpoints
from shared.postgres.database import Transaction


class UnknownEndpoint(Exception):
    """There is no such endpoint, or it is another institution's."""


class StaleVersion(Exception):
    """The endpoint was changed since the version the change is based on."""


async def change_endpoint(
    tx: Transaction, endpoint_id: UUID, changes: dict[str, Any], *, expected: int | None
) -> Endpoint:
    """Apply `changes` (url, description, events, state) to the version `expected`, or to whatever it is for None.

    A new address, and being made active, forget past failures and send what waits. Raises UnknownEndpoint,
    StaleVersion.
    """
    endpoint = await endpoints.lock(tx, endpoint_id)
    if endpoint is None:
        raise UnknownEndpoint
    if expected is not None and endpoint.version != expected:
        raise StaleVersion
    changed = replace(endpoint, **changes, version=endpoint.version + 1)
    moved = changed.url != endpoint.url
    if moved or changes.get("state") == "active":
        changed = replace(changed, fail_streak=0, failing_since=None)
        await endpoints.forget_failures(tx, endpoint_id, moved=moved)
    if changed.state != "disabled":
        changed = replace(changed, disabled_reason=None)
    await endpoints.save(tx, changed)
    return changed
