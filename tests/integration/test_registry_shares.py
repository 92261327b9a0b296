"""Shares in the registry's database: told of once, followed through a credential's life, safe from rebuilds."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.commands.rebuild_projections import rebuild_projections
from services.registry.commands.unshare_credential import unshare_credential, withdraw_shares
from services.registry.domain.share import NeverShared, NotShareable, PlatformIsSuspended, TooManyShares
from services.registry.store import claims, platforms, shares
from services.registry.store.shares import Filters
from shared.events.catalogue import (
    CredentialExpired,
    CredentialReinstated,
    CredentialRevoked,
    CredentialSuspended,
    PlatformRegistered,
    PlatformSuspended,
    PlatformUpdated,
)
from shared.events.envelope import Event
from shared.events.ids import new_id
from shared.postgres.database import Database, DatabaseSettings
from shared.postgres.migrations import migrate
from tests.fixtures.postgres import SERVICES, Templates
from tests.integration.learner_events import NOW, issued_to, platform, share, suspend, take, told
from tests.integration.registry_events import ACHIEVEMENT, INSTITUTION, changed, status


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("registry") as database:
        yield database


async def credential(db: Database) -> UUID:
    made = uuid4()
    await take(db, issued_to(made))
    return made


def expired(credential_id: UUID, version: int) -> Event:
    return CredentialExpired(version=version, credential_id=credential_id, institution_id=INSTITUTION, expired_at=NOW)


async def unshare(db: Database, credential_id: UUID, platform_id: UUID) -> str:
    async with db.worker() as tx:
        return (await unshare_credential(tx, credential_id, platform_id, now=NOW)).state


async def withdraw(db: Database, limit: int = 100) -> int:
    async with db.worker() as tx:
        return await withdraw_shares(tx, limit, now=NOW)


async def states(db: Database, platform_id: UUID) -> list[tuple[str, str]]:
    async with db.tenant(platform_id) as tx:
        return [(row.state, row.status) for row in await shares.page(tx, Filters(), None, 100)]


async def test_sharing_is_one_consent_until_it_ends_and_then_another(db: Database) -> None:
    credential_id, where = await credential(db), await platform(db)
    first, again = await share(db, credential_id, where), await share(db, credential_id, where)
    assert (first.is_new, again.is_new, first.share == again.share) == (True, False, True)
    assert await unshare(db, credential_id, where) == "withdrawn"
    assert await unshare(db, credential_id, where) == "withdrawn"
    second = await share(db, credential_id, where)
    assert second.is_new
    assert second.share.share_id != first.share.share_id
    about = [event for event in await told(db) if "share_id" in event]
    events = [(event["share_id"], event["version"], "entry" in event) for event in about]
    one, two = str(first.share.share_id), str(second.share.share_id)
    assert events == [(one, 2, True), (one, 3, False), (two, 4, True)]


async def test_many_at_once_make_one_consent(db: Database) -> None:
    credential_id, where = await credential(db), await platform(db)
    outcomes = await asyncio.gather(*(share(db, credential_id, where) for _ in range(8)))
    assert sum(outcome.is_new for outcome in outcomes) == 1
    assert len(await told(db, "credential.shared")) == 1


async def test_a_life_is_told_to_each_platform_that_shows_it(db: Database) -> None:
    credential_id, one, two = await credential(db), await platform(db), await platform(db)
    await share(db, credential_id, one)
    await take(db, changed(CredentialSuspended, credential_id, 2))
    with pytest.raises(NotShareable, match="suspended"):
        await share(db, credential_id, two)
    await take(db, changed(CredentialReinstated, credential_id, 3))
    await share(db, credential_id, two)
    await take(db, expired(credential_id, 4))
    await take(db, changed(CredentialSuspended, credential_id, 5), changed(CredentialReinstated, credential_id, 6))
    await take(db, changed(CredentialRevoked, credential_id, 7))
    with pytest.raises(NotShareable, match="revoked"):
        await share(db, credential_id, one)
    seen: dict[str, list[str]] = {str(one): [], str(two): []}
    for event in await told(db, "share.changed"):
        seen[event["platform_id"]].append(event["status"])
    assert seen == {
        str(one): ["suspended", "active", "expired", "revoked"],
        str(two): ["expired", "revoked"],
    }
    assert await states(db, one) == [("shared", "revoked")]


async def test_who_has_withdrawn_is_told_nothing_more(db: Database) -> None:
    credential_id, where = await credential(db), await platform(db)
    await share(db, credential_id, where)
    await unshare(db, credential_id, where)
    await take(db, changed(CredentialRevoked, credential_id, 2))
    assert await told(db, "share.changed") == []
    assert await states(db, where) == [("withdrawn", "revoked")]


async def test_a_rebuild_loses_no_share_and_tells_nothing_again(db: Database) -> None:
    credential_id, where = uuid4(), await platform(db)
    past: list[Event] = [issued_to(credential_id), changed(CredentialSuspended, credential_id, 2)]
    past += [changed(CredentialReinstated, credential_id, 3), changed(CredentialRevoked, credential_id, 4)]
    ids = [new_id() for _ in past]
    await take(db, past[0], ids=ids[:1])
    await share(db, credential_id, where)
    await take(db, *past[1:], ids=ids[1:])
    before = await told(db)

    await rebuild_projections(db)
    await take(db, past[0], ids=ids[:1])
    assert await status(db, credential_id) == "active", "the record, amid the replay"
    with pytest.raises(NotShareable):
        await share(db, credential_id, await platform(db))
    await take(db, *past[1:], ids=ids[1:])
    assert await told(db) == before
    assert await states(db, where) == [("shared", "revoked")]


async def test_a_platform_that_is_suspended_is_told_to_remove_everything_in_batches(db: Database) -> None:
    out, stays = await platform(db), await platform(db)
    for _ in range(5):
        credential_id = await credential(db)
        for where in (out, stays):
            await share(db, credential_id, where)
    assert await withdraw(db) == 0
    await suspend(db, out)
    with pytest.raises(PlatformIsSuspended):
        await share(db, await credential(db), out)
    assert [await withdraw(db, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert {event["platform_id"] for event in await told(db, "credential.unshared")} == {str(out)}
    assert len(await told(db, "credential.unshared")) == 5
    assert (set(await states(db, out)), set(await states(db, stays))) == (
        {("withdrawn", "active")},
        {("shared", "active")},
    )


async def test_all_that_a_platform_is_told_names_the_achievement(db: Database) -> None:
    credential_id, where, out = await credential(db), await platform(db), await platform(db)
    for one in (where, out):
        await share(db, credential_id, one)
    await take(db, changed(CredentialSuspended, credential_id, 2), expired(credential_id, 3))
    await unshare(db, credential_id, where)
    await suspend(db, out)
    assert await withdraw(db) == 1
    about = [event for event in await told(db) if "share_id" in event]
    assert len(about) == 8
    assert {event["achievement_id"] for event in about} == {str(ACHIEVEMENT)}


async def test_a_share_of_a_release_before_is_found_its_achievement(templates: Templates, tmp_path: Path) -> None:
    before = tmp_path / "registry" / "migrations"
    before.mkdir(parents=True)
    for file in (SERVICES / "registry" / "migrations").glob("*.sql"):
        if file.name < "0004":
            shutil.copy(file, before)
    async with templates.blank() as name:
        settings = DatabaseSettings(url=templates.server.app_url(name), owner_url=templates.server.owner_url(name))
        await migrate(settings.owner_url, settings.url, [before])
        async with Database.open(settings) as db:
            credential_id, where = await credential(db), await platform(db)
            async with db.worker() as tx:
                await tx.execute(
                    "INSERT INTO share (share_id, credential_id, institution_id, platform_id, state, status,"
                    " consent_version, consent, shared_at, shared_version)"
                    " VALUES ($1, $1, $2, $3, 'shared', 'active', '1', '', $4, 1)",
                    *(credential_id, INSTITUTION, where, NOW),
                )
        await migrate(settings.owner_url, settings.url, [SERVICES / "registry" / "migrations"])
        async with Database.open(settings) as db:
            await unshare(db, credential_id, where)
            (event,) = await told(db, "credential.unshared")
            assert event["achievement_id"] == str(ACHIEVEMENT)


async def test_a_withdrawal_waits_for_whoever_is_at_work_on_the_credential(db: Database) -> None:
    credential_id, where = await credential(db), await platform(db)
    await share(db, credential_id, where)
    await suspend(db, where)
    async with db.worker() as tx:
        await claims.lock(tx, credential_id)
        assert await asyncio.wait_for(withdraw(db), 3) == 0
    assert await withdraw(db) == 1


async def test_a_platform_cannot_be_flooded_by_sharing_and_unsharing(db: Database) -> None:
    credential_id, where = await credential(db), await platform(db)
    for _ in range(20):
        await share(db, credential_id, where)
        await unshare(db, credential_id, where)
    with pytest.raises(TooManyShares):
        await share(db, credential_id, where)
    await share(db, credential_id, await platform(db))
    await share(db, credential_id, where, minutes=24 * 60 + 1)


async def test_unsharing_what_was_never_shared_is_refused(db: Database) -> None:
    with pytest.raises(NeverShared):
        await unshare(db, await credential(db), await platform(db))


async def test_no_institution_sees_a_share(db: Database) -> None:
    credential_id, where = await credential(db), await platform(db)
    await share(db, credential_id, where)
    assert await states(db, where) == [("shared", "active")]
    assert await states(db, INSTITUTION) == []


async def test_a_platform_is_known_by_its_latest_profile_and_stays_suspended_through_a_rebuild(db: Database) -> None:
    where, ids = uuid4(), [new_id() for _ in range(3)]
    profile: dict[str, Any] = {"platform_id": where, "slug": "p", "url": "https://p.example"}
    past: list[Event] = [
        PlatformRegistered(version=1, name="One", registered_at=NOW, **profile),
        PlatformUpdated(version=2, name="Two", updated_at=NOW, **profile),
        PlatformSuspended(version=3, platform_id=where, reason="x", suspended_at=NOW),
    ]
    await take(db, *past, ids=ids)
    async with db.worker() as tx:
        await tx.execute("UPDATE platform SET name = 'damaged'")
    await rebuild_projections(db)
    for event, event_id in zip(past, ids, strict=True):
        await take(db, event, ids=[event_id])
        async with db.worker() as tx:
            found = await platforms.get(tx, where)
        assert found is not None
        assert found.state == "suspended"
    assert found.name == "Two"
