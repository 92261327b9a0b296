"""Tell the registry's past again: every event, rebuilt from the store, in its order and under its first id and time.

Offers of claims are left out: each is a link that was sent once, and whoever misses it asks for another.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from services.registry.commands.claim_credential import claimed_event
from services.registry.commands.follow_standing import changed_event
from services.registry.commands.share_credential import shared_event
from services.registry.commands.unshare_credential import unshared_event
from services.registry.domain.addresses import Addresses
from services.registry.store import claims, history, records, shares
from services.registry.store.history import Remembered
from shared.events.catalogue import (
    CredentialClaimed,
    CredentialRegistered,
    CredentialShared,
    CredentialUnshared,
    ShareChanged,
)
from shared.events.envelope import Event
from shared.outbox import outbox
from shared.postgres.database import Transaction

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many events went to the outbox, how many could not, how many are left, and the id to go on behind."""

    events: int
    missing: int
    remaining: int
    next: UUID | None


async def replay_events(tx: Transaction, after: UUID | None, limit: int, addresses: Addresses) -> Replayed:
    """Append the next `limit` events behind `after` to the outbox again.

    Consumers that had them recognise the ids. What cannot be told any more is counted as missing.
    """
    page = await history.page(tx, list(_REBUILDERS), after, limit)
    found: dict[UUID, Event] = {}
    for kind, rebuild in _REBUILDERS.items():
        if told := [one for one in page if one.type == kind]:
            found.update(await rebuild(tx, told, addresses))
    for one in page:
        if (event := found.get(one.event_id)) is not None:
            await outbox.append_replayed(tx, event, event_id=one.event_id, at=one.at)
    remaining = await history.count_after(tx, list(_REBUILDERS), page[-1].event_id) if page else 0
    log.info("events.replayed", events=len(found), missing=len(page) - len(found), remaining=remaining)
    return Replayed(len(found), len(page) - len(found), remaining, page[-1].event_id if remaining else None)


async def _registered(tx: Transaction, page: Sequence[Remembered], _: Addresses) -> dict[UUID, Event]:
    known = await records.by_ids(tx, _credentials(page))
    found: dict[UUID, Event] = {}
    for one in page:
        if (record := known.get(one.credential_id)) is not None:
            found[one.event_id] = CredentialRegistered(
                version=one.version,
                credential_id=record.credential_id,
                institution_id=record.institution_id,
                achievement_id=record.achievement_id,
                document_sha256=record.document_sha256.hex(),
                registered_at=record.registered_at,
            )
    return found


async def _claimed(tx: Transaction, page: Sequence[Remembered], _: Addresses) -> dict[UUID, Event]:
    known = await claims.claimed(tx, _credentials(page))
    found: dict[UUID, Event] = {}
    for one in page:
        if (claim := known.get(one.credential_id)) is not None:
            found[one.event_id] = claimed_event(one.credential_id, claim[0], claim[1], one.version, claim[2])
    return found


async def _shared(tx: Transaction, page: Sequence[Remembered], addresses: Addresses) -> dict[UUID, Event]:
    ids = _credentials(page)
    documents = await records.documents(tx, ids)
    known = {
        (share.credential_id, share.shared_version): (share, issuer) for share, issuer in await shares.told(tx, ids)
    }
    found: dict[UUID, Event] = {}
    for one in page:
        consent, document = known.get((one.credential_id, one.version)), documents.get(one.credential_id)
        if consent is not None and document is not None:
            found[one.event_id] = shared_event(*consent, document, addresses)
    return found


async def _unshared(tx: Transaction, page: Sequence[Remembered], _: Addresses) -> dict[UUID, Event]:
    told = await shares.told(tx, _credentials(page))
    known = {(share.credential_id, share.withdrawn_version): share for share, _issuer in told}
    found: dict[UUID, Event] = {}
    for one in page:
        if (share := known.get((one.credential_id, one.version))) is not None:
            found[one.event_id] = unshared_event(share)
    return found


async def _changed(tx: Transaction, page: Sequence[Remembered], _: Addresses) -> dict[UUID, Event]:
    ids = _credentials(page)
    known = {share.share_id: share for share, _issuer in await shares.told(tx, ids)}
    changes = {(change.credential_id, change.version): change for change in await shares.changes(tx, ids)}
    found: dict[UUID, Event] = {}
    for one in page:
        if (change := changes.get((one.credential_id, one.version))) is not None:
            found[one.event_id] = changed_event(known[change.share_id], change)
    return found


def _credentials(page: Sequence[Remembered]) -> list[UUID]:
    return list({one.credential_id for one in page})


_Rebuilder = Callable[[Transaction, Sequence[Remembered], Addresses], Awaitable[dict[UUID, Event]]]
_REBUILDERS: Mapping[str, _Rebuilder] = {
    CredentialRegistered.TYPE: _registered,
    CredentialClaimed.TYPE: _claimed,
    CredentialShared.TYPE: _shared,
    CredentialUnshared.TYPE: _unshared,
    ShareChanged.TYPE: _changed,
}
