"""Credentials expire by themselves, and each once, however many issuers look at the clock."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from services.issuer.commands.change_status import change_status
from services.issuer.commands.expire_credentials import expire_credentials
from services.issuer.domain.addresses import Addresses
from services.issuer.domain.errors import WrongState
from services.issuer.store import credentials
from services.issuer.store.credentials import Filters
from services.issuer.workers.expiry import expire_due
from shared.postgres.database import Database
from tests.fixtures.api import Api
from tests.fixtures.issuer import LoneIssuer
from tests.fixtures.postgres import Templates
from tests.integration.test_issuer_replay import expired

NOW = datetime(2030, 6, 1, tzinfo=UTC)
SOON = NOW + timedelta(days=1)
TENANT = uuid4()
ADDRESSES = Addresses("https://i.example", "https://r.example", "https://v.example")


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("issuer") as database:
        async with database.worker() as tx:
            await tx.execute(
                "INSERT INTO institution (institution_id, slug, did, name, url, state, version, created_at, updated_at)"
                " VALUES ($1, 'u', 'did:web:u', 'U', 'https://u.example', 'active', 1, $2, $2)",
                *(TENANT, NOW),
            )
        yield database


async def credential(db: Database, valid_until: datetime | None) -> UUID:
    """A row as issuing leaves it, and the status list it names."""
    made = uuid4()
    async with db.worker() as tx:
        await tx.execute(
            "INSERT INTO status_list (id, institution_id, purpose, seed, size, bits, is_open, created_at, updated_at)"
            " VALUES ($1, $2, 'revocation', '', 131072, decode(repeat('00', 16384), 'hex'), false, $3, $3)",
            *(made, TENANT, NOW),
        )
        await tx.execute(
            "INSERT INTO credential (id, institution_id, achievement_id, revision, status, version, recipient_kind,"
            " recipient_id, recipient_index, recipient_ciphertext, kek_id, revocation_list, revocation_index,"
            " suspension_list, suspension_index, issuer, document, valid_until, issued_at, changed_at) VALUES"
            " ($1, $2, $2, 1, 'active', 1, 'did', 'd', '', '', 'k', $1, 0, $1, 1, 'did:web:i', '{}', $3, $4, $4)",
            *(made, TENANT, valid_until, NOW - timedelta(days=900)),
        )
    return made


async def change(db: Database, credential_id: UUID, action: Any) -> None:
    async with db.worker() as tx:
        await change_status(tx, credential_id, action, "because", addresses=ADDRESSES, now=NOW)


async def told(db: Database) -> list[dict[str, Any]]:
    """The events of expiry that wait to be published."""
    async with db.worker() as tx:
        rows = await tx.fetch("SELECT key, headers, value FROM outbox ORDER BY id")
    found = [{**orjson.loads(row["value"]), **dict(row["headers"])} for row in rows]
    return [event for event in found if event["ce_type"] == "org.laurel.credential.expired.v1"]


async def shown(db: Database, status: str) -> set[UUID]:
    async with db.worker() as tx:
        return {row.id for row in await credentials.page(tx, TENANT, Filters(status=status), None, 100)}


async def test_each_is_told_of_once_when_its_time_is_over(db: Database) -> None:
    over, later, never = await credential(db, NOW), await credential(db, SOON), await credential(db, None)
    for _ in range(3):
        await expire_due(db, lambda: NOW)
    (event,) = await told(db)
    assert (event["credential_id"], event["version"]) == (str(over), 2)
    assert event["expired_at"] == "2030-06-01T00:00:00Z"
    assert event["achievement_id"] == str(TENANT), "which stands in for an achievement here"
    assert (await shown(db, "expired"), await shown(db, "active")) == ({over}, {later, never})
    await expire_due(db, lambda: SOON)
    assert [event["credential_id"] for event in await told(db)] == [str(over), str(later)]


async def test_a_suspended_one_expires_a_revoked_one_does_not(db: Database) -> None:
    suspended, revoked = await credential(db, NOW), await credential(db, NOW)
    await change(db, suspended, "suspend")
    await change(db, revoked, "revoke")
    await expire_due(db, lambda: NOW)
    (event,) = await told(db)
    assert (event["credential_id"], event["version"]) == (str(suspended), 3)
    assert (await shown(db, "expired"), await shown(db, "revoked")) == ({suspended}, {revoked})


async def test_an_expired_one_can_still_be_revoked_and_versions_go_on(db: Database) -> None:
    over = await credential(db, NOW)
    await expire_due(db, lambda: NOW)
    with pytest.raises(WrongState):
        await change(db, over, "suspend")
    await change(db, over, "revoke")
    async with db.worker() as tx:
        found, _ = await credentials.get(tx, over)
    assert (found.shown_status, found.version, found.expired_version) == ("revoked", 3, 2)


async def test_several_at_once_share_the_work(db: Database) -> None:
    made = {str(await credential(db, NOW - timedelta(minutes=n))) for n in range(40)}

    async def one() -> None:
        while True:
            async with db.worker() as tx:
                if await expire_credentials(tx, 3, now=NOW) == 0:
                    break
                await asyncio.sleep(0)

    await asyncio.gather(*(one() for _ in range(5)))
    await expire_due(db, lambda: NOW)  # what a neighbour held at a last look
    events = [event["credential_id"] for event in await told(db)]
    assert len(events) == 40
    assert set(events) == made


async def test_one_that_is_being_changed_is_left_for_the_next_turn(db: Database) -> None:
    held, free = await credential(db, NOW), await credential(db, NOW)
    async with db.worker() as tx:
        await credentials.lock(tx, held)
        await expire_due(db, lambda: NOW)
        assert await shown(db, "expired") == {free}
    await expire_due(db, lambda: NOW)
    assert await shown(db, "expired") == {held, free}


async def test_the_service_does_it_by_itself_also_after_a_restart(issuer_api: Api, issuer: LoneIssuer) -> None:
    tenant = await issuer_api.institution()
    achievement = await issuer_api.achievement(tenant)
    over = (datetime.now(UTC) + timedelta(seconds=2)).isoformat()
    made = await issuer_api.issue(tenant, achievement, validUntil=over)
    issuer.process.stop()
    await asyncio.sleep(2)
    issuer.process.start()
    issuer.process.wait_ready()
    await expired(issuer_api, tenant, made["id"])
    assert [event.type.split(".")[3] for event in await issuer.events(made["id"])] == ["issued", "expired"]
