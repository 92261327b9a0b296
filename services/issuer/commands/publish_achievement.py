"""Open an achievement to issuing, change what the public sees of it, and close it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.issuer.domain import achievement as rules
from services.issuer.domain.achievement import Achievement
from services.issuer.domain.achievement_document import document_of, name_parts
from services.issuer.domain.addresses import Addresses
from services.issuer.domain.errors import Stale
from services.issuer.domain.institution import require_active
from services.issuer.store import achievements, institutions
from services.issuer.store.achievements import Revision
from shared.events.catalogue.achievement import AchievementArchived, AchievementPublished, AchievementRevised
from shared.events.ids import new_id
from shared.outbox import outbox
from shared.postgres.database import Transaction


async def publish_achievement(
    tx: Transaction, achievement_id: UUID, *, addresses: Addresses, now: datetime
) -> Achievement:
    """Make a draft public as revision 1 (achievement.published).

    Raises Unknown, WrongState, InstitutionIsSuspended.
    """
    published = rules.publish(await achievements.lock(tx, achievement_id), now)
    revision = await _reveal(tx, published, addresses, now)
    await outbox.append(tx, published_event(revision), at=now)
    return published


async def rewrite_achievement(
    tx: Transaction,
    achievement_id: UUID,
    content: Mapping[str, Any],
    expected: int,
    *,
    addresses: Addresses,
    now: datetime,
) -> Achievement:
    """Replace the content: of a draft quietly, of a published achievement as its next revision (achievement.revised).

    Raises Unknown, Stale, WrongState, Invalid, InstitutionIsSuspended.
    """
    before = await achievements.lock(tx, achievement_id)
    if before.version != expected:
        raise Stale(f"The achievement is at version {before.version}.")
    after = rules.rewrite(before, name_parts(content, new_id), now)
    if after.status == "draft":
        await achievements.save(tx, after)
        return after
    revision = await _reveal(tx, after, addresses, now)
    await outbox.append(tx, revised_event(revision), at=now)
    return after


async def archive_achievement(tx: Transaction, achievement_id: UUID, *, now: datetime) -> Achievement:
    """End issuing from a published achievement (achievement.archived). Raises Unknown, WrongState."""
    archived = rules.archive(await achievements.lock(tx, achievement_id), now)
    await achievements.save(tx, archived)
    await outbox.append(tx, archived_event(archived.id, archived.institution_id, archived.event_version, now), at=now)
    return archived


def published_event(revision: Revision) -> AchievementPublished:
    """The event about a first revision."""
    return AchievementPublished(
        version=revision.event_version,
        achievement_id=revision.achievement_id,
        institution_id=revision.institution_id,
        revision=revision.revision,
        document=revision.document,
        published_at=revision.at,
    )


def revised_event(revision: Revision) -> AchievementRevised:
    """The event about a later revision."""
    return AchievementRevised(
        version=revision.event_version,
        achievement_id=revision.achievement_id,
        institution_id=revision.institution_id,
        revision=revision.revision,
        document=revision.document,
        revised_at=revision.at,
    )


def archived_event(achievement_id: UUID, institution_id: UUID, version: int, at: datetime) -> AchievementArchived:
    """The event about an achievement's end."""
    return AchievementArchived(
        version=version, achievement_id=achievement_id, institution_id=institution_id, archived_at=at
    )


async def _reveal(tx: Transaction, achievement: Achievement, addresses: Addresses, now: datetime) -> Revision:
    institution = await institutions.get(tx, achievement.institution_id)
    require_active(institution)
    document = document_of(
        achievement.content,
        achievement_id=addresses.achievement(achievement.id),
        issuer=institution.did,
        revision=achievement.revision,
    )
    revision = Revision(achievement.id, institution.id, achievement.revision, achievement.event_version, document, now)
    await achievements.save(tx, achievement)
    await achievements.add_revision(tx, revision)
    return revision
