"""`POST /v1/rebuild` and a replay of the issuer's events afterwards (docs/decisions/0045)."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import orjson
import pytest

from services.registry.commands.rebuild_projections import rebuild_projections
from services.registry.domain.counts import Counts
from services.registry.handlers import HANDLERS
from services.registry.store import achievements, counts, institutions, rebuilds, records
from shared.events.catalogue import (
    AchievementPublished,
    CredentialRevoked,
    CredentialSuspended,
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
)
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from shared.inbox import inbox
from shared.postgres.database import Database
from tests.fixtures.postgres import Templates
from tests.integration.registry_events import (
    ACHIEVEMENT,
    AT,
    DOCUMENT,
    INSTITUTION,
    achievement,
    changed,
    count,
    institution,
    issued,
    registrations,
    status,
)


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("registry") as database:
        yield database


async def take(db: Database, *events: tuple[UUID, Event]) -> None:
    """As the consumer does: the inbox decides, under the events' own ids."""
    async with db.worker() as tx:
        for event_id, event in events:
            envelope = Envelope(event_id, event.TYPE, "/issuer", event.key, AT, event.version)
            if await inbox.take(tx, [envelope]):
                await HANDLERS[type(event)](tx, envelope, event)


async def test_a_damaged_projection_is_written_anew_and_nothing_is_announced_twice(db: Database) -> None:
    credential_id = uuid4()
    past = [
        (new_id(), institution(InstitutionRegistered, 1, registered_at=AT)),
        (new_id(), achievement(AchievementPublished, 1, 1, published_at=AT)),
        (new_id(), issued(credential_id)),
        (new_id(), changed(CredentialRevoked, credential_id, 2)),
    ]
    await take(db, *past)
    async with db.worker() as tx:
        await tx.execute("UPDATE record SET document = 'damaged', status = 'active'")
        await tx.execute("UPDATE institution SET name = 'damaged'")
        await tx.execute("UPDATE achievement SET name = 'damaged'")
        await counts.fold(tx, 100)
        await tx.execute("UPDATE achievement_count SET issued = 99")
    await take(db, *past)
    assert (await count(db)).issued == 99, "without a rebuild the inbox keeps the replay out"

    assert await rebuild_projections(db) == 4
    assert await count(db) == Counts(issued=1)
    async with db.worker() as tx:
        assert await rebuilds.stale(tx) == {"records": 1, "institutions": 1, "achievements": 1, "platforms": 0}
    await take(db, *past)

    async with db.worker() as tx:
        assert await rebuilds.stale(tx) == {"records": 0, "institutions": 0, "achievements": 0, "platforms": 0}
        served = await records.document(tx, credential_id)
        shown = await institutions.get(tx, INSTITUTION)
        document = await achievements.get(tx, ACHIEVEMENT)
    assert served is not None
    assert served.document == orjson.dumps(DOCUMENT)
    assert shown is not None
    assert document is not None
    assert (shown.name, document.name) == ("Name 1", "Name 1")
    assert await status(db, credential_id) == "revoked"
    assert await count(db) == Counts(issued=1, revoked=1)
    assert len(await registrations(db)) == 1


async def test_a_live_event_amid_the_replay_is_not_undone_by_it(db: Database) -> None:
    credential_id = uuid4()
    past = [(new_id(), issued(credential_id)), (new_id(), changed(CredentialSuspended, credential_id, 2))]
    live = (new_id(), changed(CredentialRevoked, credential_id, 3))
    for place in range(3):
        await take(db, *past)
        await rebuild_projections(db)
        order = [*past[:place], live, *past[place:], live]
        for each in order:
            await take(db, each)
        assert await status(db, credential_id) == "revoked", f"live event at place {place}"
        assert await count(db) == Counts(issued=1, revoked=1)


async def test_a_live_suspension_of_an_institution_amid_the_replay_stays(db: Database) -> None:
    past = [
        (new_id(), institution(InstitutionRegistered, 1, registered_at=AT)),
        (new_id(), institution(InstitutionUpdated, 2, updated_at=AT)),
    ]
    suspended = InstitutionSuspended(version=3, institution_id=INSTITUTION, reason="x", suspended_at=AT)
    live = (new_id(), suspended)
    for place in range(3):
        await take(db, *past)
        await rebuild_projections(db)
        for each in [*past[:place], live, *past[place:], live]:
            await take(db, each)
        async with db.worker() as tx:
            shown = await institutions.get(tx, INSTITUTION)
        assert shown is not None
        assert (shown.name, shown.state) == ("Name 2", "suspended"), f"live event at place {place}"


async def test_live_events_wait_while_the_epoch_changes(db: Database) -> None:
    credential_id = uuid4()
    async with db.worker() as tx:
        await rebuilds.begin(tx)
        taking = asyncio.create_task(take(db, (new_id(), issued(credential_id))))
        await asyncio.sleep(0.2)
        assert not taking.done()
    await taking
    async with db.worker() as tx:
        assert (await rebuilds.stale(tx))["records"] == 0
