"""Letters to whoever an endpoint belongs to, institution or platform: named, addressed, and settled where nobody is."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.notifier.commands.resend_letter import resend_letter
from services.notifier.domain.delivery import Schedule
from shared.events.catalogue import PlatformRegistered, PlatformUpdated
from shared.postgres.database import Database
from tests.fixtures.mail_server import MailServer
from tests.fixtures.postgres import Templates
from tests.integration.notifier_queue import claim, endpoint, record, result, tell
from tests.integration.post_office import PostOffice, registered, utc_now

PATIENT = Schedule((0.1,) * 200)


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


@pytest.fixture
async def office(db: Database) -> PostOffice:
    made = PostOffice(db)
    await made.hear(registered(made.institution))
    return made


def profile(platform: UUID, **changes: Any) -> dict[str, Any]:
    """What a platform's events say of it."""
    return {"platform_id": platform, "slug": "p", "name": "Profiles", "url": "https://profiles.example", **changes}


async def switched_off(office: PostOffice, tenant: UUID) -> UUID:
    """An endpoint of the tenant's that has said that it is gone."""
    made = await endpoint(office.db, tenant)
    await tell(office.db, institution=tenant)
    [taken] = await claim(office.db)
    await record(office.db, result(taken, 410), now=utc_now())
    return made


async def test_an_endpoint_that_is_switched_off_is_told_of_by_letter(
    office: PostOffice, mail_server: MailServer
) -> None:
    made = await endpoint(office.db, office.institution, description="Profiles <staging>")
    await tell(office.db, institution=office.institution)
    [taken] = await claim(office.db)
    await record(office.db, result(taken, 410), now=utc_now())
    async with office.sending(office.mailer(mail_server.url())):
        [letter] = await mail_server.wait(1)
        assert await office.settled() == [("endpoint-disabled", "sent", None)]
    assert letter.recipient == "registrar@uni.example"
    assert letter.message["Subject"] == "Webhooks to platform.example were switched off"
    assert "/hook" not in letter.raw.decode(), "the path of a webhook may be a secret"
    assert f"POST /v1/endpoints/{made}/enable" in " ".join(letter.text.split())
    assert "Profiles <staging>" in letter.text
    assert letter.message["List-Unsubscribe"] is None
    [row] = await office.rows("SELECT endpoint_id FROM letter")
    assert row["endpoint_id"] == made


async def test_a_platform_is_written_to_at_the_address_it_gave(office: PostOffice, mail_server: MailServer) -> None:
    platform = uuid4()
    told = profile(platform, email="hooks@profiles.example", version=1, registered_at=utc_now())
    await office.hear(PlatformRegistered(**told))
    await switched_off(office, platform)
    async with office.sending(office.mailer(mail_server.url())):
        [letter] = await mail_server.wait(1)
        assert await office.settled() == [("endpoint-disabled", "sent", None)]
    assert letter.recipient == "hooks@profiles.example"
    assert "The endpoint of Profiles at platform.example" in " ".join(letter.text.split())


async def test_a_platform_without_an_address_gets_its_letter_once_it_has_one(
    office: PostOffice, mail_server: MailServer
) -> None:
    platform = uuid4()
    await office.hear(PlatformRegistered(**profile(platform, version=1, registered_at=utc_now())))
    await switched_off(office, platform)
    async with office.sending(office.mailer(mail_server.url())):
        assert await office.settled() == [("endpoint-disabled", "suppressed", "no-address")]
        told = profile(platform, name="Renamed", email="hooks@profiles.example", version=2, updated_at=utc_now())
        await office.hear(PlatformUpdated(**told))
        [row] = await office.rows("SELECT id FROM letter")
        async with office.db.worker() as tx:
            await resend_letter(tx, row["id"], now=utc_now())
        [letter] = await mail_server.wait(1)
        assert await office.settled() == [("endpoint-disabled", "sent", None)]
    assert "Renamed" in letter.text


async def test_one_whose_own_event_is_still_to_come_is_waited_for(office: PostOffice, mail_server: MailServer) -> None:
    tenant = uuid4()
    await switched_off(office, tenant)
    async with office.sending(office.mailer(mail_server.url(), schedule=PATIENT)):
        await office.until_tried("institution-unknown")
        assert await office.states() == [("endpoint-disabled", "pending", None)]
        await office.hear(registered(tenant, email="late@uni.example"))
        [letter] = await mail_server.wait(1)
        assert await office.settled() == [("endpoint-disabled", "sent", None)]
    assert letter.recipient == "late@uni.example"


async def test_a_letter_to_somebody_of_whom_nothing_is_heard_is_settled(
    office: PostOffice, mail_server: MailServer
) -> None:
    await switched_off(office, uuid4())
    async with office.sending(office.mailer(mail_server.url(), schedule=PATIENT)):
        await office.until_tried("institution-unknown")
        office.now = utc_now() + timedelta(hours=1)
        assert await office.settled() == [("endpoint-disabled", "suppressed", "no-address")]
    assert mail_server.letters == []
