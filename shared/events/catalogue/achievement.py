"""What can be earned. Keyed by achievement."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from shared.events.envelope import Event

_TOPIC = "issuer.events"


class _AchievementDocument(Event):
    achievement_id: UUID
    institution_id: UUID
    revision: int = Field(
        ge=1, description="The public revision this document is; credentials name the one they were issued from."
    )
    document: dict[str, Any] = Field(description="The Open Badges 3.0 Achievement, with the EU elements where given.")


class AchievementPublished(
    _AchievementDocument, type="org.laurel.achievement.published.v1", topic=_TOPIC, key="achievement_id"
):
    """Credentials can now be issued from the achievement."""

    published_at: datetime


class AchievementRevised(
    _AchievementDocument, type="org.laurel.achievement.revised.v1", topic=_TOPIC, key="achievement_id"
):
    """A published achievement has a new revision; credentials issued before keep theirs."""

    revised_at: datetime


class AchievementArchived(Event, type="org.laurel.achievement.archived.v1", topic=_TOPIC, key="achievement_id"):
    """No further credential will be issued from the achievement."""

    achievement_id: UUID
    institution_id: UUID
    archived_at: datetime
