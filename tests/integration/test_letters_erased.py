"""What the notifier keeps of a learner goes when learner.erased comes, whatever comes before it and after."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.notifier.store import addressees
from shared.events.catalogue import CredentialIssued, LearnerErased
from shared.postgres.database import Database
from tests.fixtures.mail_server import MailServer
from tests.fixtures.postgres import Templates
from tests.integration.post_office import PostOffice, changed, issued, offered, registered, utc_now

ZOE = "zoe@example.org"


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


@pytest.fixture
async def office(db: Database) -> PostOffice:
    made = PostOffice(db)
    await made.hear(registered(made.institution))
    return made


def erased(about: CredentialIssued, version: int = 2) -> LearnerErased:
    return LearnerErased(
        version=version,
        credential_id=about.credential_id,
        institution_id=about.institution_id,
        erased_at=utc_now(),
    )


async def kept(office: PostOffice, about: CredentialIssued) -> list[object]:
    """All that is there of the learner of a credential."""
    rows = await office.rows(
        "SELECT a.address, a.kek_id, a.address_index, a.language, l.link, l.link_kek_id, l.language AS spoken"
        " FROM addressee a LEFT JOIN letter l USING (credential_id) WHERE credential_id = $1",
        about.credential_id,
    )
    return [value for row in rows for value in row.values() if value is not None]


async def test_address_links_and_letters_of_that_credential_go_and_of_no_other(
    office: PostOffice, mail_server: MailServer
) -> None:
    gone, stays = issued(office.institution, ZOE), issued(office.institution, ZOE)
    await office.hear(gone, stays, offered(gone), offered(stays))
    assert await kept(office, gone)
    await office.hear(erased(gone))
    assert await kept(office, gone) == []
    assert len(await kept(office, stays)) >= 6
    async with office.sending(office.mailer(mail_server.url())):
        states = await office.settled()
    assert sorted(states) == [("earned", "sent", None), ("earned", "suppressed", "no-address")]
    [letter] = await mail_server.wait(1)
    assert str(stays.credential_id) in letter.text


async def test_nothing_that_comes_later_or_again_brings_it_back(office: PostOffice, mail_server: MailServer) -> None:
    about = issued(office.institution, ZOE)
    await office.hear(about)
    await office.hear(erased(about))
    await office.hear(about, offered(about, "asked"), changed(about, version=3))
    await office.hear(erased(about))
    assert await kept(office, about) == [], "not even the link that came late"
    async with office.sending(office.mailer(mail_server.url())):
        assert {state[1:] for state in await office.settled()} == {("suppressed", "no-address")}
    assert mail_server.letters == []


async def test_an_erasure_of_what_was_never_heard_of_keeps_the_learner_out(office: PostOffice) -> None:
    about = issued(office.institution, ZOE)
    await office.hear(erased(about))
    await office.hear(about, offered(about))
    assert await kept(office, about) == []


async def test_a_letter_that_waits_for_its_addressee_waits_no_longer(office: PostOffice) -> None:
    about = issued(office.institution, ZOE)
    await office.hear(offered(about))
    assert await office.states() == [("earned", "pending", None)]
    await office.hear(erased(about))
    assert await office.states() == [("earned", "suppressed", "no-address")]
    assert await kept(office, about) == []


async def test_a_link_that_comes_amid_the_erasure_is_not_kept_either(office: PostOffice) -> None:
    about = issued(office.institution, ZOE)
    await office.hear(about)
    async with office.db.worker() as tx:
        await addressees.erase_of(tx, about.credential_id, about.institution_id, utc_now())
        hearing = asyncio.create_task(office.hear(offered(about)))
        await asyncio.sleep(0.3)
        assert not hearing.done(), "it waits to see what becomes of the addressee"
    await hearing
    assert await kept(office, about) == []
