"""An achievement's life: draft, published (and revised), archived."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.issuer.domain.errors import WrongState

AchievementStatus = Literal["draft", "published", "archived"]


@dataclass(frozen=True, slots=True)
class Achievement:
    """What can be earned.

    `revision` counts what the public saw (0: nothing yet), `version` counts every change and is the ETag,
    `event_version` counts its events. `content` is what the institution wrote: Open Badges names, no ids of ours.
    """

    id: UUID
    institution_id: UUID
    status: AchievementStatus
    revision: int
    version: int
    event_version: int
    content: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None = None
    archived_at: datetime | None = None


def rewrite(achievement: Achievement, content: dict[str, Any], now: datetime) -> Achievement:
    """Replace the content: of a draft in place, of a published achievement as its next revision, public at once.

    Raises WrongState for an archived one.
    """
    if achievement.status == "archived":
        raise WrongState("The achievement is archived and cannot be changed.")
    written = replace(achievement, content=content, version=achievement.version + 1, updated_at=now)
    if achievement.status == "draft":
        return written
    return replace(written, revision=achievement.revision + 1, event_version=achievement.event_version + 1)


def publish(achievement: Achievement, now: datetime) -> Achievement:
    """Make a draft public: from now on credentials can be issued from it. Raises WrongState unless it is a draft."""
    if achievement.status != "draft":
        raise WrongState(f"The achievement is {achievement.status}; only a draft can be published.")
    return replace(_next(achievement, now), status="published", revision=1, published_at=now)


def archive(achievement: Achievement, now: datetime) -> Achievement:
    """End issuing from a published achievement; what was issued stays. Raises WrongState unless it is published."""
    if achievement.status != "published":
        raise WrongState(f"The achievement is {achievement.status}; only a published one can be archived.")
    return replace(_next(achievement, now), status="archived", archived_at=now)


def require_issuable(achievement: Achievement) -> None:
    """Raises WrongState unless credentials can be issued from the achievement."""
    if achievement.status != "published":
        raise WrongState(f"The achievement is {achievement.status}; credentials are issued from published ones.")


def _next(achievement: Achievement, now: datetime) -> Achievement:
    return replace(
        achievement, version=achievement.version + 1, event_version=achievement.event_version + 1, updated_at=now
    )
