"""Whoever unsubscribed gets no letters, and gets them again when they say so: by the address, whatever key hides it."""

import base64
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from services.notifier.commands.erase_learner import erase_learner
from services.notifier.commands.read_standing import read_standing
from services.notifier.commands.resubscribe import resubscribe
from services.notifier.commands.unsubscribe import unsubscribe
from services.notifier.domain.mailbox import Mailbox
from services.notifier.store import refusals
from shared.credentials.sealing import Sealer
from shared.postgres.database import Database
from tests.fixtures.mail_server import MailServer
from tests.fixtures.postgres import Templates
from tests.integration.post_office import KEK, PostOffice, changed, issued, offered, registered, utc_now

ZOE = "zoe@example.org"
KEYS = [f"{name}:{base64.b64encode(letter * 32).decode()}" for name, letter in (("kek", b"k"), ("newer", b"n"))]
ROTATED = Sealer.from_text(",".join(reversed(KEYS)))


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


@pytest.fixture
async def office(db: Database) -> PostOffice:
    made = PostOffice(db)
    await made.hear(registered(made.institution))
    return made


async def test_unsubscribing_ends_all_letters_to_the_address_but_those_it_asks_for(
    office: PostOffice, mail_server: MailServer
) -> None:
    first, second = issued(office.institution, ZOE), issued(office.institution, "ZOE@example.org")
    other = issued(office.institution, "other@example.org")
    await office.hear(first, second, other)
    async with office.db.worker() as tx:
        await unsubscribe(tx, first.credential_id)
        await unsubscribe(tx, first.credential_id)
        await unsubscribe(tx, uuid4())
    await office.hear(offered(second), offered(second, "asked"), offered(other), changed(first))
    async with office.sending(office.mailer(mail_server.url())):
        states = await office.settled()
    assert sorted(states) == [
        ("claim-link", "sent", None),
        ("earned", "sent", None),
        ("earned", "suppressed", "unsubscribed"),
        ("revoked", "suppressed", "unsubscribed"),
    ]


@pytest.mark.parametrize("by", [0, 1])
async def test_letters_come_again_whichever_letter_the_link_is_from_and_whichever_key_was_new(
    office: PostOffice, mail_server: MailServer, by: int
) -> None:
    before, after = issued(office.institution, ZOE), issued(office.institution, ZOE)
    other = issued(office.institution, "other@example.org")
    await office.hear(before, other)
    office.kek = ROTATED
    await office.hear(after)
    links = [before.credential_id, after.credential_id]
    async with office.db.worker() as tx:
        for credential in (*links, other.credential_id):
            await unsubscribe(tx, credential)
        await resubscribe(tx, links[by], sealer=ROTATED)
        await resubscribe(tx, uuid4(), sealer=ROTATED)
        standings = [await read_standing(tx, credential, sealer=ROTATED) for credential in links]
        assert [each.unsubscribed for each in standings] == [False, False]
        assert (await read_standing(tx, other.credential_id, sealer=ROTATED)).unsubscribed, "others are left alone"
    await office.hear(offered(before), changed(after))
    async with office.sending(office.mailer(mail_server.url())):
        assert sorted(await office.settled()) == [("earned", "sent", None), ("revoked", "sent", None)]


async def test_one_click_is_seen_from_every_letter_to_the_address(office: PostOffice) -> None:
    before, after = issued(office.institution, ZOE), issued(office.institution, ZOE)
    await office.hear(before)
    office.kek = ROTATED
    await office.hear(after)
    async with office.db.worker() as tx:
        assert not (await read_standing(tx, after.credential_id, sealer=ROTATED)).unsubscribed
        await unsubscribe(tx, before.credential_id)
        assert (await read_standing(tx, after.credential_id, sealer=ROTATED)).unsubscribed


async def test_a_mailbox_that_is_not_there_is_not_brought_back(office: PostOffice, mail_server: MailServer) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(event)
    async with office.db.worker() as tx:
        [index] = KEK.blind_indexes(Mailbox.of(ZOE).searchable)
        await refusals.add(tx, index, "bounced")
        await unsubscribe(tx, event.credential_id)
        await resubscribe(tx, event.credential_id, sealer=KEK)
        assert await refusals.find(tx, [index]) == {"bounced"}
    await office.hear(offered(event))
    async with office.sending(office.mailer(mail_server.url())):
        assert await office.settled() == [("earned", "suppressed", "address-bounced")]


async def test_an_address_that_was_erased_stays_unsubscribed_without_anybody_to_say_so(office: PostOffice) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(event)
    async with office.db.worker() as tx:
        await unsubscribe(tx, event.credential_id)
        await erase_learner(tx, Mailbox.of(ZOE), sealer=KEK, now=utc_now())
        await resubscribe(tx, event.credential_id, sealer=KEK)
        standing = await read_standing(tx, event.credential_id, sealer=KEK)
        assert (list(standing.indexes), standing.unsubscribed) == ([], False)
        assert await refusals.find(tx, KEK.blind_indexes(Mailbox.of(ZOE).searchable)) == {"unsubscribed"}


async def test_an_address_under_a_key_that_is_gone_is_known_by_its_hash(office: PostOffice) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(event)
    newer = Sealer.from_text(KEYS[1])
    async with office.db.worker() as tx:
        await unsubscribe(tx, event.credential_id)
        assert (await read_standing(tx, event.credential_id, sealer=newer)).unsubscribed
        await resubscribe(tx, event.credential_id, sealer=newer)
        assert not (await read_standing(tx, event.credential_id, sealer=newer)).unsubscribed
