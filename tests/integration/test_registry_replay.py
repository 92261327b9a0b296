"""What the registry announced is told again exactly as it was told first, what learners did included."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.commands.rebuild_projections import rebuild_projections
from services.registry.commands.replay_events import Replayed, replay_events
from services.registry.commands.unshare_credential import unshare_credential, withdraw_shares
from services.registry.main import MIGRATIONS
from shared.events.catalogue import (
    CredentialExpired,
    CredentialReinstated,
    CredentialSuspended,
    InstitutionRegistered,
    InstitutionUpdated,
)
from shared.events.ids import new_id
from shared.postgres.database import Database, DatabaseSettings
from shared.postgres.migrations import migrate
from tests.fixtures.postgres import Templates
from tests.integration.learner_events import (
    ADDRESSES,
    NOW,
    claim,
    issued_to,
    offer,
    platform,
    share,
    suspend,
    take,
    told,
)
from tests.integration.registry_events import INSTITUTION, changed, institution

OFFERED = "org.laurel.claim.offered.v1"


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("registry") as database:
        yield database


async def live(db: Database) -> UUID:
    """A credential whose learner did everything there is to do, and to which everything happened; its id."""
    credential_id, one, two = uuid4(), await platform(db), await platform(db)
    await take(db, institution(InstitutionRegistered, 1, registered_at=NOW, linkedin_organization_id=7))
    await take(db, issued_to(credential_id))
    [(_, link)] = await offer(db)
    await claim(db, link)
    await share(db, credential_id, one)
    await share(db, credential_id, two)
    await take(db, changed(CredentialSuspended, credential_id, 2), changed(CredentialReinstated, credential_id, 3))
    await unshare(db, credential_id, one)
    await share(db, credential_id, one, minutes=1)
    expired = CredentialExpired(version=4, credential_id=credential_id, institution_id=INSTITUTION, expired_at=NOW)
    await take(db, expired)
    await suspend(db, two)
    async with db.worker() as tx:
        assert await withdraw_shares(tx, 10, now=NOW) == 1
    return credential_id


async def unshare(db: Database, credential_id: UUID, platform_id: UUID) -> None:
    async with db.worker() as tx:
        await unshare_credential(tx, credential_id, platform_id, now=NOW)


async def published(db: Database) -> list[tuple[Any, ...]]:
    """All that waits for the bus but offers, byte for byte, and then nothing does."""
    async with db.worker() as tx:
        rows = await tx.fetch("DELETE FROM outbox RETURNING id, event_id, topic, key, headers, value")
    records = [(row["event_id"], row["topic"], row["key"], dict(row["headers"]), row["value"]) for row in sorted(rows)]
    return [record for record in records if record[3]["ce_type"] != OFFERED]


async def replay(db: Database, after: UUID | None = None, limit: int = 1000) -> Replayed:
    async with db.worker() as tx:
        return await replay_events(tx, after, limit, ADDRESSES)


async def test_each_event_is_repeated_with_its_id_time_version_and_content(db: Database) -> None:
    await live(db)
    first = await published(db)
    kinds = [headers["ce_type"].removeprefix("org.laurel.").removesuffix(".v1") for *_, headers, _ in first]
    assert kinds == [
        *("credential.registered", "credential.claimed", "credential.shared", "credential.shared"),
        *("share.changed",) * 4,
        *("credential.unshared", "credential.shared", "share.changed", "share.changed", "credential.unshared"),
    ]
    assert await replay(db) == Replayed(len(first), 0, 0, None)
    assert await published(db) == first


async def test_a_share_is_told_again_as_the_institution_was_called_then(db: Database) -> None:
    await live(db)
    first = await published(db)
    renamed = {"updated_at": NOW, "linkedin_organization_id": 8}
    await take(db, institution(InstitutionUpdated, 2, **renamed))
    await replay(db)
    assert await published(db) == first


async def test_a_rebuild_changes_nothing_of_what_is_told_again(db: Database) -> None:
    credential_id, where, ids = uuid4(), await platform(db), [new_id(), new_id()]
    past = (issued_to(credential_id), changed(CredentialSuspended, credential_id, 2))
    await take(db, past[0], ids=ids[:1])
    await share(db, credential_id, where)
    await take(db, past[1], ids=ids[1:])
    first = await published(db)
    await rebuild_projections(db)
    await take(db, *past, ids=ids)
    await replay(db)
    assert await published(db) == first


async def test_pages_of_any_size_keep_the_order_and_count_down(db: Database) -> None:
    for _ in range(2):
        await live(db)
    first = await published(db)
    for limit in (1, 3, 7):
        page, pages = await replay(db, None, limit), 1
        while page.next is not None:
            assert page.remaining == len(first) - pages * limit
            page, pages = await replay(db, page.next, limit), pages + 1
        assert pages == -(-len(first) // limit)
        assert await published(db) == first


async def test_what_is_gone_is_counted_and_the_rest_is_told(db: Database) -> None:
    await live(db)
    first = await published(db)
    async with db.worker() as tx:
        await tx.execute("DELETE FROM share_change")
    answer = await replay(db)
    assert (answer.events, answer.missing) == (len(first) - 6, 6)
    assert await told(db, "share.changed") == []


async def test_shares_of_before_the_versions_were_kept_are_told_again_too(templates: Templates, tmp_path: Path) -> None:
    before = tmp_path / "registry" / "migrations"
    before.mkdir(parents=True)
    for name in ("0001_record.sql", "0002_learners.sql"):
        shutil.copy(MIGRATIONS / name, before)
    async with templates.blank() as name:
        urls = DatabaseSettings(url=templates.server.app_url(name), owner_url=templates.server.owner_url(name))
        await migrate(urls.owner_url, urls.url, [before])
        async with Database.open(urls) as db:
            credential_id = await old_share(db)
            await migrate(urls.owner_url, urls.url, [MIGRATIONS])
            assert await replay(db) == Replayed(3, 0, 0, None)
            again = await published(db)
    assert [(int(headers["ce_sequence"]), key) for _, _, key, headers, _ in again] == [
        (sequence, str(credential_id)) for sequence in (1, 2, 3)
    ]
    assert b'"name":"Name 1"' in again[1][-1]


async def old_share(db: Database) -> UUID:
    """A share that was told and withdrawn, as an earlier release kept it; the credential."""
    credential_id, share_id = uuid4(), uuid4()
    await take(db, institution(InstitutionRegistered, 1, registered_at=NOW), issued_to(credential_id))
    async with db.worker() as tx:
        await tx.execute(
            "INSERT INTO share VALUES ($1, $2, $3, $4, 'withdrawn', 'active', '1', 'I want', $5, $6, 'learner')",
            *(share_id, credential_id, INSTITUTION, uuid4(), NOW, NOW + timedelta(minutes=1)),
        )
        for version, name, at in ((2, "shared", NOW), (3, "unshared", NOW + timedelta(minutes=1))):
            await tx.execute(
                "INSERT INTO event_history VALUES ($1, $2, $3, $4, $5)",
                *(new_id(), f"org.laurel.credential.{name}.v1", str(credential_id), version, at),
            )
        await tx.execute("DELETE FROM outbox")
    return credential_id
