"""What events leave in the registry's database, however often and in whatever order they come."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from services.registry.commands.rebuild_projections import rebuild_projections
from services.registry.commands.replay_registrations import replay_registrations
from services.registry.domain.counts import Counts
from services.registry.handlers import HANDLERS
from services.registry.store import achievements, counts, institutions, rebuilds, records
from shared.credentials import jcs
from shared.events.catalogue import (
    AchievementArchived,
    AchievementPublished,
    AchievementRevised,
    CredentialIssued,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    CredentialVerified,
    InstitutionRegistered,
    InstitutionSuspended,
    InstitutionUpdated,
)
from shared.events.catalogue.credential import StatusEntry
from shared.events.envelope import Envelope, Event
from shared.events.ids import new_id
from shared.inbox import inbox
from shared.inbox.dispatch import InvalidMessage
from shared.postgres.database import Database, Transaction
from tests.fixtures.postgres import Templates

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
INSTITUTION, ACHIEVEMENT = uuid4(), uuid4()
DOCUMENT = {"zeta": "stays first", "id": "https://r.example/credentials/1", "@context": [], "number": 1.0, "ü": "é"}
ENTRY = StatusEntry(purpose="revocation", status_list_credential="https://i.example/status-lists/1", index=7)


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("registry") as database:
        yield database


def issued(credential_id: UUID, **change: Any) -> CredentialIssued:
    fields = {
        "version": 1,
        "credential_id": credential_id,
        "institution_id": INSTITUTION,
        "achievement_id": ACHIEVEMENT,
        "issuer": "did:web:i.example",
        "document": DOCUMENT,
        "status_entries": [ENTRY],
        "issued_at": AT,
    }
    return CredentialIssued.model_validate({**fields, **change})


def changed(kind: type[Event], credential_id: UUID, version: int) -> Event:
    return kind.model_validate(
        {
            "version": version,
            "credential_id": credential_id,
            "institution_id": INSTITUTION,
            "status_entry": ENTRY,
            "reason": "because",
            "changed_at": AT,
        }
    )


def verified(credential_id: UUID, version: int) -> CredentialVerified:
    return CredentialVerified(
        version=version,
        verification_id=uuid4(),
        credential_id=credential_id,
        institution_id=INSTITUTION,
        verdict="valid",
        verified_at=AT,
    )


def institution(kind: type[Event], version: int, **fields: Any) -> Event:
    profile = {"slug": "u", "did": "did:web:i.example", "name": f"Name {version}", "url": "https://u.example"}
    return kind.model_validate({"version": version, "institution_id": INSTITUTION, **fields, **profile})


def achievement(kind: type[Event], version: int, revision: int, **fields: Any) -> Event:
    document = {"id": "https://r.example/achievements/1", "name": f"Name {revision}", "achievementType": "Course"}
    return kind.model_validate(
        {
            "version": version,
            "achievement_id": ACHIEVEMENT,
            "institution_id": INSTITUTION,
            "revision": revision,
            "document": document,
            **fields,
        }
    )


async def handle(db: Database, *events: Event) -> None:
    """As the consumer does, without its inbox: every event in one transaction."""
    async with db.worker() as tx:
        for event in events:
            await call(tx, event)


async def call(tx: Transaction, event: Event) -> None:
    envelope = Envelope(new_id(), event.TYPE, "/issuer", event.key, AT, event.version)
    await HANDLERS[type(event)](tx, envelope, event)


async def count(db: Database) -> Counts:
    async with db.worker() as tx:
        of_achievement = (await counts.of_achievements(tx, [ACHIEVEMENT])).get(ACHIEVEMENT, Counts())
        of_institution = (await counts.of_institutions(tx, [INSTITUTION])).get(INSTITUTION, Counts())
        of_all, _, _ = await counts.of_all(tx)
    assert of_achievement == of_institution == of_all
    return of_achievement


async def status(db: Database, credential_id: UUID) -> str:
    async with db.worker() as tx:
        record = await records.get(tx, credential_id)
    assert record is not None
    return record.status


async def registrations(db: Database) -> list[dict[str, Any]]:
    async with db.worker() as tx:
        rows = await tx.fetch("SELECT event_id, key, value FROM outbox WHERE topic = 'registry.events' ORDER BY id")
    return [{"event_id": row["event_id"], "key": row["key"], **orjson.loads(row["value"])} for row in rows]


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
        page = await replay_registrations(tx, None, 3)
        rest = await replay_registrations(tx, page.next, 3)
    assert (page.events, page.remaining, rest.events, rest.next) == (3, 2, 2, None)
    assert await registrations(db) == first


class TestRebuild:
    """`POST /v1/rebuild` and a replay of the issuer's events afterwards (docs/decisions/0045)."""

    async def take(self, db: Database, *events: tuple[UUID, Event]) -> None:
        """As the consumer does: the inbox decides, under the events' own ids."""
        async with db.worker() as tx:
            for event_id, event in events:
                envelope = Envelope(event_id, event.TYPE, "/issuer", event.key, AT, event.version)
                if await inbox.take(tx, [envelope]):
                    await HANDLERS[type(event)](tx, envelope, event)

    async def test_a_damaged_projection_is_written_anew_and_nothing_is_announced_twice(self, db: Database) -> None:
        credential_id = uuid4()
        past = [
            (new_id(), institution(InstitutionRegistered, 1, registered_at=AT)),
            (new_id(), achievement(AchievementPublished, 1, 1, published_at=AT)),
            (new_id(), issued(credential_id)),
            (new_id(), changed(CredentialRevoked, credential_id, 2)),
        ]
        await self.take(db, *past)
        async with db.worker() as tx:
            await tx.execute("UPDATE record SET document = 'damaged', status = 'active'")
            await tx.execute("UPDATE institution SET name = 'damaged'")
            await tx.execute("UPDATE achievement SET name = 'damaged'")
            await counts.fold(tx, 100)
            await tx.execute("UPDATE achievement_count SET issued = 99")
        await self.take(db, *past)
        assert (await count(db)).issued == 99, "without a rebuild the inbox keeps the replay out"

        assert await rebuild_projections(db) == 4
        assert await count(db) == Counts(issued=1)
        async with db.worker() as tx:
            assert await rebuilds.stale(tx) == {"records": 1, "institutions": 1, "achievements": 1}
        await self.take(db, *past)

        async with db.worker() as tx:
            assert await rebuilds.stale(tx) == {"records": 0, "institutions": 0, "achievements": 0}
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

    async def test_a_live_event_amid_the_replay_is_not_undone_by_it(self, db: Database) -> None:
        credential_id = uuid4()
        past = [(new_id(), issued(credential_id)), (new_id(), changed(CredentialSuspended, credential_id, 2))]
        live = (new_id(), changed(CredentialRevoked, credential_id, 3))
        for place in range(3):
            await self.take(db, *past)
            await rebuild_projections(db)
            order = [*past[:place], live, *past[place:], live]
            for each in order:
                await self.take(db, each)
            assert await status(db, credential_id) == "revoked", f"live event at place {place}"
            assert await count(db) == Counts(issued=1, revoked=1)

    async def test_a_live_suspension_of_an_institution_amid_the_replay_stays(self, db: Database) -> None:
        past = [
            (new_id(), institution(InstitutionRegistered, 1, registered_at=AT)),
            (new_id(), institution(InstitutionUpdated, 2, updated_at=AT)),
        ]
        suspended = InstitutionSuspended(version=3, institution_id=INSTITUTION, reason="x", suspended_at=AT)
        live = (new_id(), suspended)
        for place in range(3):
            await self.take(db, *past)
            await rebuild_projections(db)
            for each in [*past[:place], live, *past[place:], live]:
                await self.take(db, each)
            async with db.worker() as tx:
                shown = await institutions.get(tx, INSTITUTION)
            assert shown is not None
            assert (shown.name, shown.state) == ("Name 2", "suspended"), f"live event at place {place}"

    async def test_live_events_wait_while_the_epoch_changes(self, db: Database) -> None:
        credential_id = uuid4()
        async with db.worker() as tx:
            await rebuilds.begin(tx)
            taking = asyncio.create_task(self.take(db, (new_id(), issued(credential_id))))
            await asyncio.sleep(0.2)
            assert not taking.done()
        await taking
        async with db.worker() as tx:
            assert (await rebuilds.stale(tx))["records"] == 0
