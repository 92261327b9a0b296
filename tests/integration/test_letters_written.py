"""Which events lead to which letters, on a real database: once each, never late, never about what nobody knows."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import pytest

from services.notifier.commands.erase_learner import erase_learner
from services.notifier.commands.record_bounce import record_bounce
from services.notifier.commands.write_letter import write_warnings
from services.notifier.domain.mailbox import Mailbox
from services.notifier.store import addressees, letter_queue
from services.notifier.workers.reminders import remind
from shared.credentials.sealing import Sealer
from shared.events.catalogue import CredentialExpired, CredentialReinstated, CredentialSuspended, InstitutionUpdated
from shared.events.ids import new_id
from shared.postgres.database import Database
from tests.fixtures.mail_server import MailServer
from tests.fixtures.postgres import Templates
from tests.integration.post_office import KEK, PostOffice, changed, issued, offered, registered, utc_now

ZOE = "zoe@example.org"
STRANGER = Sealer.from_text("rk:" + "A" * 43 + "=")


@pytest.fixture
async def db(templates: Templates) -> AsyncIterator[Database]:
    async with templates.copy("notifier") as database:
        yield database


@pytest.fixture
async def office(db: Database) -> PostOffice:
    made = PostOffice(db)
    await made.hear(registered(made.institution))
    return made


async def take(office: PostOffice) -> letter_queue.ClaimedLetter | None:
    """What a mailer would send next."""
    async with office.db.worker_connection() as connection:
        return await letter_queue.claim(connection, timedelta(minutes=5))


async def test_nothing_of_a_learner_lies_in_the_clear(office: PostOffice) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(event, offered(event, code="one-time-code"))
    dump = str(await office.rows("SELECT * FROM addressee")) + str(await office.rows("SELECT * FROM letter"))
    for secret in (ZOE, "zoe", "Müller", "one-time-code"):
        assert secret not in dump
        assert secret.encode().hex() not in dump
    letter = await take(office)
    assert letter is not None
    assert letter.addressee is not None
    assert letter.addressee.address is not None
    stored = KEK.unseal(letter.addressee.address, addressees.TABLE, event.credential_id)
    assert stored.decode() == '{"email":"zoe@example.org","name":"Zoë Müller"}'


async def test_a_link_that_comes_before_its_credential_waits_for_it(office: PostOffice) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(offered(event))
    assert await office.states() == [("earned", "pending", None)]
    assert await take(office) is None
    await office.hear(event)
    letter = await take(office)
    assert letter is not None
    assert letter.addressee is not None
    assert letter.addressee.title == "Applied Statistics"


async def test_a_letter_is_written_once_for_an_event_and_once_for_a_credential(office: PostOffice) -> None:
    event, asked = issued(office.institution, ZOE), new_id()
    await office.hear(event, offered(event), offered(event), changed(event), changed(event, version=3))
    for _ in range(2):
        await office.hear(offered(event, "asked"), event_id=asked)
    await office.hear(offered(event, "asked"))
    kinds = sorted(kind for kind, _, _ in await office.states())
    assert kinds == ["claim-link", "claim-link", "earned", "revoked"]


async def test_events_of_long_ago_lead_to_no_letter_when_they_are_replayed(office: PostOffice) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(event, offered(event), changed(event), at=utc_now() - timedelta(days=8))
    assert await office.states() == []
    [row] = await office.rows("SELECT status FROM addressee")
    assert row["status"] == "revoked", "what they say is known all the same"


async def test_an_offer_that_is_over_or_cannot_be_opened_leads_to_none(office: PostOffice) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(event, offered(event, days=-1), offered(event, recipients=STRANGER))
    assert await office.states() == []


async def test_an_address_that_cannot_be_opened_holds_up_nothing(office: PostOffice, mail_server: MailServer) -> None:
    sealed = issued(office.institution, ZOE, recipients=STRANGER)
    broken = issued(office.institution, "not an address")
    await office.hear(sealed, offered(sealed), broken, offered(broken))
    async with office.sending(office.mailer(mail_server.url())):
        assert await office.settled() == [("earned", "suppressed", "no-address")] * 2


async def test_a_credential_without_an_address_takes_no_row(office: PostOffice) -> None:
    event = issued(office.institution, None)
    await office.hear(event, changed(event))
    assert await office.rows("SELECT FROM addressee") == []
    assert await office.states() == []


async def test_the_newest_profile_is_the_one_that_shows(office: PostOffice) -> None:
    fields = {
        "did": "did:web:uni.example",
        "slug": "uni",
        "url": "https://uni.example",
        "institution_id": office.institution,
    }
    for version, name in ((3, "Newest"), (2, "Older")):
        await office.hear(InstitutionUpdated(version=version, name=name, updated_at=utc_now(), **fields))
    assert await office.rows("SELECT name, email FROM branding") == [{"name": "Newest", "email": None}]


async def warned(office: PostOffice) -> list[str]:
    """Let the reminders run; the kinds of all letters."""
    await remind(office.db, lambda: None, office.clock)
    return sorted(kind for kind, _, _ in await office.states())


async def test_an_expiry_is_announced_a_month_and_a_week_ahead_once_each(office: PostOffice) -> None:
    now = utc_now()
    event = issued(office.institution, ZOE, issued_at=now - timedelta(days=300), valid_until=now + timedelta(days=40))
    await office.hear(event)
    seen = []
    for days in (0, 9, 11, 12, 32, 34, 39, 41):
        office.now = now + timedelta(days=days)
        seen.append(await warned(office))
    once, twice = ["expiring-30"], ["expiring-30", "expiring-7"]
    assert seen == [[], [], once, once, once, twice, twice, twice]


async def test_one_issued_for_less_than_the_notice_is_not_warned(office: PostOffice) -> None:
    now = utc_now()
    await office.hear(issued(office.institution, ZOE, issued_at=now, valid_until=now + timedelta(days=20)))
    await office.hear(issued(office.institution, ZOE, issued_at=now, valid_until=now + timedelta(days=5)))
    assert await warned(office) == []
    office.now = now + timedelta(days=14)
    assert await warned(office) == ["expiring-7"], "the one for twenty days has had its week"


async def test_after_a_long_stop_only_the_nearer_warning_is_sent(office: PostOffice) -> None:
    now = utc_now()
    await office.hear(
        issued(office.institution, ZOE, issued_at=now - timedelta(days=300), valid_until=now + timedelta(days=3))
    )
    assert await warned(office) == ["expiring-7"]


async def test_nobody_is_warned_of_what_is_void_and_after_a_reinstatement_they_are(office: PostOffice) -> None:
    now = utc_now()
    dates = {"issued_at": now - timedelta(days=300), "valid_until": now + timedelta(days=20)}
    suspended, revoked, over = [issued(office.institution, ZOE, **dates) for _ in range(3)]
    expired = CredentialExpired(
        version=2, credential_id=over.credential_id, institution_id=office.institution, expired_at=now
    )
    await office.hear(suspended, revoked, over)
    await office.hear(changed(suspended, CredentialSuspended), changed(revoked), expired, at=now - timedelta(days=9))
    assert await warned(office) == []
    await office.hear(changed(suspended, CredentialReinstated, version=3))
    assert await warned(office) == ["expiring-30"]


async def test_two_replicas_warn_once(office: PostOffice) -> None:
    now = utc_now()
    dates = {"issued_at": now - timedelta(days=300), "valid_until": now + timedelta(days=20)}
    await office.hear(*(issued(office.institution, ZOE, **dates) for _ in range(50)))
    async with office.db.worker() as first, office.db.worker() as second:
        assert await write_warnings(first, now) == 50
        await second.execute("SET LOCAL lock_timeout = '50ms'")
        with pytest.raises(Exception, match="lock timeout"):
            await write_warnings(second, now)
    assert len(await office.states()) == 50


async def test_links_are_forgotten_when_they_are_over(office: PostOffice) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(event, offered(event, days=7))
    await warned(office)
    assert (await office.rows("SELECT link IS NULL AS gone FROM letter"))[0]["gone"] is False
    office.now = utc_now() + timedelta(days=8)
    await warned(office)
    assert (await office.rows("SELECT link IS NULL AS gone FROM letter"))[0]["gone"] is True


async def test_an_erased_address_is_gone_everywhere_and_a_replay_does_not_bring_it_back(office: PostOffice) -> None:
    first, second = issued(office.institution, ZOE), issued(uuid4(), "Zoe@Example.org")
    other = issued(office.institution, "other@example.org")
    await office.hear(first, second, other, offered(first), offered(other))
    async with office.db.worker() as tx:
        assert await erase_learner(tx, Mailbox.of("zoe@EXAMPLE.org"), sealer=KEK, now=utc_now()) == 2
    await office.hear(first, second, offered(first, "asked"))
    rows = await office.rows(
        "SELECT credential_id, address, address_index, language FROM addressee WHERE address IS NULL"
    )
    assert {row["credential_id"] for row in rows} == {first.credential_id, second.credential_id}
    assert all(row["address_index"] is None and row["language"] is None for row in rows)
    rows = await office.rows(
        "SELECT state, reason, link FROM letter WHERE credential_id = $1 AND kind = 'earned'", first.credential_id
    )
    assert rows == [{"state": "suppressed", "reason": "no-address", "link": None}]
    taken = [await take(office), await take(office)]
    assert {letter.credential_id for letter in taken if letter} == {first.credential_id, other.credential_id}


@pytest.mark.parametrize(
    ("status", "failed", "state", "spared"),
    [
        ("5.1.1", True, "bounced", True),
        ("5.2.2", True, "bounced", False),
        ("4.4.7", True, "bounced", False),
        ("4.4.1", False, "sent", False),
    ],
)
async def test_a_report_afterwards_is_a_bounce_too(
    office: PostOffice, mail_server: MailServer, status: str, failed: bool, state: str, spared: bool
) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(event, offered(event))
    async with office.sending(office.mailer(mail_server.url())):
        await office.settled()
    [row] = await office.rows("SELECT id FROM letter")
    async with office.db.worker() as tx:
        letter = await record_bounce(tx, row["id"], status, failed=failed, now=utc_now())
        assert await record_bounce(tx, uuid4(), status, failed=failed, now=utc_now()) is None
    assert letter is not None
    assert letter.state == state
    assert bool(await office.rows("SELECT FROM refusal")) is spared
