"""The issuer's facts become the public record. Each handler may be called again for the same fact without effect.

An achievement's or institution's event may come after the first credential that names it: they have other keys.
"""

from datetime import UTC, datetime

import orjson

from services.registry.commands.change_status import UnknownCredential, change_status
from services.registry.commands.follow_standing import follow_standing
from services.registry.commands.record_credential import record_credential
from services.registry.domain.claim import is_news
from services.registry.domain.record import StatusEvent
from services.registry.store import achievements, claims, institutions, platforms
from services.registry.store.achievements import Revision
from services.registry.store.institutions import Profile
from shared.credentials import CanonicalError
from shared.events.catalogue import (
    AchievementArchived,
    AchievementPublished,
    AchievementRevised,
    CredentialExpired,
    CredentialIssued,
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
    LearnerErased,
    PlatformRegistered,
    PlatformSuspended,
    PlatformUpdated,
)
from shared.events.envelope import Envelope
from shared.inbox.dispatch import InvalidMessage
from shared.postgres.database import Transaction


async def institution_registered(tx: Transaction, _: Envelope, event: InstitutionRegistered) -> None:
    """A new institution's profile."""
    await institutions.put(tx, _profile(event), event.version, event.registered_at)


async def institution_updated(tx: Transaction, _: Envelope, event: InstitutionUpdated) -> None:
    """An institution's new profile."""
    await institutions.put(tx, _profile(event), event.version, event.updated_at)


async def institution_suspended(tx: Transaction, _: Envelope, event: InstitutionSuspended) -> None:
    """An institution may not issue any more. Raises InvalidMessage when its registration was never heard of."""
    if not await institutions.suspend(tx, event.institution_id, event.version, event.suspended_at):
        raise InvalidMessage("unknown-institution", f"institution {event.institution_id} is not known")


async def achievement_published(tx: Transaction, _: Envelope, event: AchievementPublished) -> None:
    """The first revision of an achievement."""
    await achievements.put(tx, _revision(event), event.version, event.published_at)


async def achievement_revised(tx: Transaction, _: Envelope, event: AchievementRevised) -> None:
    """A later revision of an achievement."""
    await achievements.put(tx, _revision(event), event.version, event.revised_at)


async def achievement_archived(tx: Transaction, _: Envelope, event: AchievementArchived) -> None:
    """No more credentials of an achievement. Raises InvalidMessage when it was never published."""
    if not await achievements.archive(tx, event.achievement_id, event.version, event.archived_at):
        raise InvalidMessage("unknown-achievement", f"achievement {event.achievement_id} is not known")


async def credential_issued(tx: Transaction, envelope: Envelope, event: CredentialIssued) -> None:
    """A credential goes on the record, and its learner gets a letter where there is an address.

    No second one for a credential that is recorded already, and none for old news: both come of a rebuild. Raises
    InvalidMessage for a document that no JSON can carry exactly.
    """
    now = datetime.now(UTC)
    try:
        is_new = await record_credential(tx, event, now=now)
    except CanonicalError as error:
        raise InvalidMessage(error.code, error.detail) from error
    if event.recipient is not None:
        await claims.add(tx, event.credential_id, offer=is_new and is_news(envelope.time, now))


async def credential_changed(tx: Transaction, _: Envelope, event: StatusEvent) -> None:
    """A credential was revoked, suspended or reinstated. Raises InvalidMessage when it was never issued."""
    try:
        await change_status(tx, event)
    except UnknownCredential as error:
        raise InvalidMessage("unknown-credential", str(error)) from error
    await follow_standing(tx, event)


async def credential_expired(tx: Transaction, _: Envelope, event: CredentialExpired) -> None:
    """The last moment of a credential's validity has passed, which the document itself tells everybody else."""
    await follow_standing(tx, event)


async def learner_erased(tx: Transaction, _: Envelope, event: LearnerErased) -> None:
    """Nobody can write to a credential's learner any more, whose address was never here."""
    await claims.erase(tx, event.credential_id, event.erased_at)


async def platform_described(tx: Transaction, _: Envelope, event: PlatformRegistered | PlatformUpdated) -> None:
    """A platform's first or new profile."""
    await platforms.put(tx, event.platform_id, event.slug, event.name, event.url, event.version)


async def platform_suspended(tx: Transaction, _: Envelope, event: PlatformSuspended) -> None:
    """Nothing more is shared with a platform. Raises InvalidMessage when its registration was never heard of."""
    if not await platforms.suspend(tx, event.platform_id):
        raise InvalidMessage("unknown-platform", f"platform {event.platform_id} is not known")


def _profile(event: InstitutionRegistered | InstitutionUpdated) -> Profile:
    return Profile(
        institution_id=event.institution_id,
        slug=event.slug,
        did=event.did,
        name=event.name,
        url=event.url,
        email=event.email,
        image=event.image,
        linkedin_organization_id=event.linkedin_organization_id,
    )


def _revision(event: AchievementPublished | AchievementRevised) -> Revision:
    kind = event.document.get("achievementType")
    return Revision(
        achievement_id=event.achievement_id,
        institution_id=event.institution_id,
        name=str(event.document.get("name", "")),
        achievement_type=kind if isinstance(kind, str) else None,
        revision=event.revision,
        document=orjson.dumps(event.document),
    )
