"""Write down something that can be earned, for nobody else to see yet."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.issuer.domain.achievement import Achievement
from services.issuer.domain.achievement_document import name_parts
from services.issuer.store import achievements
from shared.events.ids import new_id
from shared.postgres.database import Transaction


async def draft_achievement(
    tx: Transaction, institution_id: UUID, content: Mapping[str, Any], *, now: datetime
) -> Achievement:
    """Write a draft. Announces nothing. Raises Invalid."""
    achievement = Achievement(
        id=new_id(),
        institution_id=institution_id,
        status="draft",
        revision=0,
        version=1,
        event_version=0,
        content=name_parts(content, new_id),
        created_at=now,
        updated_at=now,
    )
    await achievements.add(tx, achievement)
    return achievement
