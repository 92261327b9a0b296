"""What events leave in the registry's database, however often and in whatever order they come."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from uuid import uuid4

import orjson
import pytest

from services.registry.commands.replay_events import replay_events
from services.registry.domain.counts import Counts
from services.registry.store import achievements, counts, institutions, records
from shared.credentials import jcs
from shared.events.catalogue import (
    AchievementArchived,
    AchievementPublished,
    AchievementRevised,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
)
from shared.events.envelope import Event
from shared.inbox.dispatch import InvalidMessage
from shared.postgres.database import Database
from tests.fixtures.postgres import Templates
from tests.integration.learner_events import ADDRESSES
from tests.integration.registry_events import (
    ACHIEVEMENT,
    AT,
    DOCUMENT,
    INSTITUTION,
    achievement,
    call,
    changed,
    count,
    handle,
    institution,
    issued,
    registrations,
    status,
    verified,
)


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("registry") as database:
        yield database


async def test_a_credential_is_recorded_once_with_the_bytes_in_their_order(db: Database) -> None:
    credential_id = uuid4()
    await handle(db, issued(credential_id))
    await handle(db, issued(credential_id))
    async with db.worker() as tx:
        served = await records.document(tx, credential_id)
    assert served is not None
    assert served.document == orjson.dumps(DOCUMENT)
    sent = await registrations(db)
    assert [event["key"] for event in sent] == [str(credential_id)]
    assert sent[0]["document_sha256"] == hashlib.sha256(jcs(DOCUMENT)).hexdigest()
    assert sent[0]["version"] == 1
    assert await count(db) == Counts(issued=1)


async def test_a_life_is_followed_and_counted(db: Database) -> None:
    credential_id, other = uuid4(), uuid4()
    await handle(db, issued(credential_id), issued(other))
    for kind, version, expected, counted in (
        (CredentialSuspended, 2, "suspended", Counts(issued=2, suspended=1)),
        (CredentialReinstated, 3, "active", Counts(issued=2)),
        (CredentialSuspended, 4, "suspended", Counts(issued=2, suspended=1)),
        (CredentialRevoked, 5, "revoked", Counts(issued=2, revoked=1)),
    ):
        await handle(db, changed(kind, credential_id, version))
        assert await status(db, credential_id) == expected
        assert await count(db) == counted
    assert await status(db, other) == "active"


async def test_old_events_that_come_again_change_nothing_even_without_an_inbox(db: Database) -> None:
    credential_id = uuid4()
    life = [
        issued(credential_id),
        changed(CredentialSuspended, credential_id, 2),
        changed(CredentialReinstated, credential_id, 3),
        changed(CredentialRevoked, credential_id, 4),
        verified(credential_id, 1),
        verified(credential_id, 2),
    ]
    await handle(db, *life)
    for event in (*life, *life):
        await handle(db, event)
    assert await status(db, credential_id) == "revoked"
    assert await count(db) == Counts(issued=1, revoked=1, verified=2)
    assert len(await registrations(db)) == 1


@pytest.mark.parametrize("kind", [CredentialRevoked, CredentialSuspended, CredentialReinstated])
async def test_a_status_event_for_an_unknown_credential_never_succeeds(db: Database, kind: type[Event]) -> None:
    with pytest.raises(InvalidMessage) as raised:
        await handle(db, changed(kind, uuid4(), 2))
    assert raised.value.reason == "unknown-credential"


async def test_the_end_of_something_unknown_never_succeeds(db: Database) -> None:
    suspended = InstitutionSuspended(version=2, institution_id=uuid4(), reason="x", suspended_at=AT)
    archived = AchievementArchived(version=2, achievement_id=uuid4(), institution_id=uuid4(), archived_at=AT)
    for event, reason in ((suspended, "unknown-institution"), (archived, "unknown-achievement")):
        with pytest.raises(InvalidMessage) as raised:
            await handle(db, event)
        assert raised.value.reason == reason


async def test_profiles_and_states_follow_their_own_versions(db: Database) -> None:
    suspended = InstitutionSuspended(version=3, institution_id=INSTITUTION, reason="x", suspended_at=AT)
    archived = AchievementArchived(version=3, achievement_id=ACHIEVEMENT, institution_id=INSTITUTION, archived_at=AT)
    first = [
        institution(InstitutionRegistered, 1, registered_at=AT),
        institution(InstitutionUpdated, 2, updated_at=AT),
        achievement(AchievementPublished, 1, 1, published_at=AT),
        achievement(AchievementRevised, 2, 2, revised_at=AT),
    ]
    await handle(db, *first, suspended, archived, *first)
    async with db.worker() as tx:
        shown = await institutions.get(tx, INSTITUTION)
        document = await achievements.get(tx, ACHIEVEMENT)
    assert shown is not None
    assert (shown.name, shown.state) == ("Name 2", "suspended")
    assert document is not None
    assert (document.name, document.state, document.revision) == ("Name 2", "archived", 2)


async def test_a_verification_heard_of_before_its_credential_is_counted_when_that_comes(db: Database) -> None:
    credential_id = uuid4()
    await handle(db, verified(credential_id, 1), verified(credential_id, 3))
    async with db.worker() as tx:
        assert await counts.fold(tx, 100) == 0
    await handle(db, issued(credential_id))
    assert await count(db) == Counts(issued=1, verified=3)
    async with db.worker() as tx:
        await counts.fold(tx, 100)
    assert await count(db) == Counts(issued=1, verified=3)


async def test_folding_changes_no_count_and_empties_the_differences(db: Database) -> None:
    credentials = [uuid4() for _ in range(30)]
    await handle(db, *(issued(each) for each in credentials))
    await handle(db, *(changed(CredentialRevoked, each, 2) for each in credentials[:10]))
    before = await count(db)
    assert before == Counts(issued=30, revoked=10)
    async with db.worker() as tx:
        assert await counts.fold(tx, 25) == 25
    assert await count(db) == before
    await handle(db, verified(credentials[0], 1))
    async with db.worker() as tx:
        while await counts.fold(tx, 25):
            pass
        assert await tx.fetchval("SELECT count(*) FROM count_change") == 0
    assert await count(db) == Counts(issued=30, revoked=10, verified=1)


async def test_consumers_of_different_credentials_of_one_achievement_do_not_wait_for_each_other(db: Database) -> None:
    async with db.worker() as first, db.worker() as second:
        for _ in range(3):
            await asyncio.wait_for(call(first, issued(uuid4())), 2)
            await asyncio.wait_for(call(second, issued(uuid4())), 2)
    assert await count(db) == Counts(issued=6)


async def test_a_replay_repeats_ids_and_times(db: Database) -> None:
    credentials = [uuid4() for _ in range(5)]
    for credential_id in credentials:
        await handle(db, issued(credential_id))
    first = await registrations(db)
    async with db.worker() as tx:
        await tx.execute("DELETE FROM outbox")
        page = await replay_events(tx, None, 3, ADDRESSES)
        rest = await replay_events(tx, page.next, 3, ADDRESSES)
    assert (page.events, page.remaining, rest.events, rest.next) == (3, 2, 2, None)
    assert await registrations(db) == first
