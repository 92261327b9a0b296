"""Tell the past again: every event, rebuilt from the store, in its order and under its first id and time."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import orjson
import structlog

from services.issuer.commands import announce
from services.issuer.commands.change_status import status_event
from services.issuer.commands.erase_learner import erased_event
from services.issuer.commands.expire_credentials import expired_event
from services.issuer.commands.issue_credential import issued_event
from services.issuer.commands.publish_achievement import archived_event, published_event, revised_event
from services.issuer.commands.register_platform import registered_event
from services.issuer.commands.seal_recipient import RecipientSealer
from services.issuer.commands.suspend_platform import suspended_event
from services.issuer.commands.update_platform import updated_event
from services.issuer.domain.addresses import Addresses
from services.issuer.domain.institution import Institution, Profile
from services.issuer.domain.platform import Platform
from services.issuer.domain.signing_key import SigningKey
from services.issuer.store import achievements, credentials, history, institutions, platforms, signing_keys
from shared.events.catalogue.achievement import AchievementArchived, AchievementPublished, AchievementRevised
from shared.events.catalogue.credential import (
    CredentialExpired,
    CredentialIssued,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
)
from shared.events.catalogue.institution import (
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
    KeyActivated,
    KeyCompromised,
    KeyRetired,
)
from shared.events.catalogue.learner import LearnerErased
from shared.events.catalogue.platform import PlatformRegistered, PlatformSuspended, PlatformUpdated
from shared.events.envelope import Event
from shared.outbox import outbox
from shared.postgres.database import Transaction

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Told:
    """One event as the history has it."""

    event_id: UUID
    type: str
    subject: UUID
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Means:
    """What telling an event needs besides the store."""

    addresses: Addresses
    recipients: RecipientSealer


@dataclass(frozen=True, slots=True)
class Replayed:
    """How far a replay has come. `next` is None at the end."""

    events: int
    missing: int
    remaining: int
    next: UUID | None


async def replay_events(tx: Transaction, after: UUID | None, limit: int, means: Means) -> Replayed:
    """Append the next `limit` events behind `after` to the outbox again.

    Consumers that had them recognise the ids. What cannot be told any more is counted as missing.
    """
    rows = await outbox.history(tx, after, limit)
    page = [Told(row["event_id"], row["type"], UUID(row["subject"]), row["version"], row["at"]) for row in rows]
    found = await _rebuild(tx, page, means)
    for told in page:
        if (event := found.get(told.event_id)) is not None:
            await outbox.append_replayed(tx, event, event_id=told.event_id, at=told.at)
    last = page[-1].event_id if len(page) == limit else None
    remaining = 0 if last is None else await history.remaining(tx, last)
    log.info("events.replayed", events=len(found), missing=len(page) - len(found), remaining=remaining)
    return Replayed(len(found), len(page) - len(found), remaining, last if remaining else None)


async def _rebuild(tx: Transaction, page: Sequence[Told], means: Means) -> dict[UUID, Event]:
    """The events of `page` that the store still can tell, by event id."""
    found: dict[UUID, Event] = {}
    for types, rebuild in _REBUILDERS.items():
        names = {one.TYPE for one in types}
        told = [one for one in page if one.type in names]
        if told:
            found.update(await rebuild(tx, told, means))
    return found


async def _institutions(tx: Transaction, page: Sequence[Told], _: Means) -> dict[UUID, Event]:
    ids = _subjects(page)
    names, profiles = await institutions.names(tx, ids), await institutions.profiles(tx, ids)
    suspensions = await institutions.suspensions(tx, ids)
    found: dict[UUID, Event] = {}
    for one in page:
        slug, did = names.get(one.subject, ("", ""))
        if one.type == InstitutionSuspended.TYPE:
            if (why := suspensions.get((one.subject, one.version))) is not None:
                past = _as_it_was(one, slug, did, Profile("", "", None, None))
                past = replace(past, suspended_reason=why[0], updated_at=why[1])
                found[one.event_id] = announce.institution_suspended(past)
        elif (known := profiles.get((one.subject, one.version))) is not None:
            tell = (
                announce.institution_registered
                if one.type == InstitutionRegistered.TYPE
                else announce.institution_updated
            )
            found[one.event_id] = tell(replace(_as_it_was(one, slug, did, known[0]), updated_at=known[1]))
    return found


def _as_it_was(one: Told, slug: str, did: str, profile: Profile) -> Institution:
    return Institution(one.subject, slug, did, profile, "active", None, one.version, one.at, one.at)


async def _keys(tx: Transaction, page: Sequence[Told], _: Means) -> dict[UUID, Event]:
    keys = await signing_keys.of_institutions(tx, _subjects(page))
    tellers: Mapping[str, tuple[Callable[[SigningKey], int | None], Callable[[SigningKey], Event]]] = {
        KeyActivated.TYPE: (lambda key: key.activated_version, announce.key_activated),
        KeyRetired.TYPE: (lambda key: key.retired_version, announce.key_retired),
        KeyCompromised.TYPE: (lambda key: key.compromised_version, announce.key_compromised),
    }
    found: dict[UUID, Event] = {}
    for one in page:
        version_of, tell = tellers[one.type]
        for key in keys:
            if key.institution_id == one.subject and version_of(key) == one.version:
                found[one.event_id] = tell(key)
    return found


async def _achievements(tx: Transaction, page: Sequence[Told], _: Means) -> dict[UUID, Event]:
    ids = _subjects(page)
    revisions, archived = await achievements.revisions(tx, ids), await achievements.archived(tx, ids)
    found: dict[UUID, Event] = {}
    for one in page:
        if one.type == AchievementArchived.TYPE:
            if (end := archived.get(one.subject)) is not None:
                found[one.event_id] = archived_event(one.subject, end[0], one.version, end[1])
        elif (revision := revisions.get((one.subject, one.version))) is not None:
            tell = published_event if one.type == AchievementPublished.TYPE else revised_event
            found[one.event_id] = tell(revision)
    return found


async def _issued(tx: Transaction, page: Sequence[Told], means: Means) -> dict[UUID, Event]:
    ids = _subjects(page)
    stored, sealed = await credentials.signed_documents(tx, ids), await credentials.recipients(tx, ids)
    found: dict[UUID, Event] = {}
    for one in page:
        if (known := stored.get(one.subject)) is not None:
            credential, issuer, document = known
            recipient = None
            if credential.id in sealed:  # nobody is named any more of whom that was erased
                learner = means.recipients.from_row(sealed[credential.id], credential.id)
                recipient = means.recipients.for_event(learner, credential.id)
            found[one.event_id] = issued_event(credential, orjson.loads(document), issuer, recipient, means.addresses)
    return found


async def _changes(tx: Transaction, page: Sequence[Told], means: Means) -> dict[UUID, Event]:
    ids = _subjects(page)
    stored, changes = await credentials.signed_documents(tx, ids), await credentials.changes(tx, ids)
    found: dict[UUID, Event] = {}
    for one in page:
        change, known = changes.get((one.subject, one.version)), stored.get(one.subject)
        if change is not None and known is not None:
            past = replace(known[0], version=one.version)
            found[one.event_id] = status_event(past, change.action, change.reason, change.at, means.addresses)
    return found


async def _expiries(tx: Transaction, page: Sequence[Told], _: Means) -> dict[UUID, Event]:
    stored = await credentials.signed_documents(tx, _subjects(page))
    return {one.event_id: expired_event(stored[one.subject][0]) for one in page if one.subject in stored}


async def _erasures(tx: Transaction, page: Sequence[Told], _: Means) -> dict[UUID, Event]:
    known = await credentials.erasures(tx, _subjects(page))
    return {one.event_id: erased_event(known[one.subject]) for one in page if one.subject in known}


async def _platforms(tx: Transaction, page: Sequence[Told], _: Means) -> dict[UUID, Event]:
    known = await platforms.told(tx, _subjects(page))
    tellers: Mapping[str, Callable[[Platform], Event]] = {
        PlatformRegistered.TYPE: registered_event,
        PlatformUpdated.TYPE: updated_event,
        PlatformSuspended.TYPE: suspended_event,
    }
    found: dict[UUID, Event] = {}
    for one in page:
        if (said := known.get((one.subject, one.version))) is not None:
            profile = (said.slug, said.name, said.url, said.email)
            past = Platform(one.subject, *profile, "active", said.reason, one.version, one.at, said.at)
            found[one.event_id] = tellers[one.type](past)
    return found


def _subjects(page: Sequence[Told]) -> list[UUID]:
    return list({one.subject for one in page})


_Rebuilder = Callable[[Transaction, Sequence[Told], Means], Awaitable[dict[UUID, Event]]]
_REBUILDERS: Mapping[tuple[type[Event], ...], _Rebuilder] = {
    (
        InstitutionRegistered,
        InstitutionUpdated,
        InstitutionSuspended,
    ): _institutions,
    (KeyActivated, KeyRetired, KeyCompromised): _keys,
    (AchievementPublished, AchievementRevised, AchievementArchived): _achievements,
    (CredentialIssued,): _issued,
    (CredentialRevoked, CredentialSuspended, CredentialReinstated): _changes,
    (CredentialExpired,): _expiries,
    (LearnerErased,): _erasures,
    (PlatformRegistered, PlatformUpdated, PlatformSuspended): _platforms,
}
