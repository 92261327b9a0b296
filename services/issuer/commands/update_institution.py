"""Change an institution's public profile."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from services.issuer.commands import announce
from services.issuer.domain import institution as rules
from services.issuer.domain.errors import Stale
from services.issuer.domain.institution import Institution
from services.issuer.store import institutions
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def update_institution(
    tx: Transaction, institution_id: UUID, changes: Mapping[str, Any], expected: int, *, now: datetime
) -> Institution:
    """Replace the profile fields in `changes` and announce the whole profile. Raises Unknown, Stale."""
    institution = await institutions.lock(tx, institution_id)
    if institution.version != expected:
        raise Stale(f"The institution is at version {institution.version}.")
    updated = rules.update(institution, replace(institution.profile, **changes), now)
    await institutions.save(tx, updated)
    await institutions.add_profile(tx, updated)
    await outbox.append(tx, announce.institution_updated(updated), at=now)
    return updated
