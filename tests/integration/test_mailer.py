"""Letters to a real mail server: that they arrive, what refusals lead to, and that mailers share the work."""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

import pytest

from services.notifier.domain.delivery import Schedule
from services.notifier.store import letter_queue
from shared.postgres.database import Database
from tests.fixtures.mail_server import PASSWORD, USER, MailServer
from tests.fixtures.postgres import Templates
from tests.integration.post_office import PostOffice, changed, issued, offered, registered

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


async def write(office: PostOffice, *addresses: str) -> None:
    """An `earned` letter to each."""
    for address in addresses:
        event = issued(office.institution, address)
        await office.hear(event, offered(event))


async def test_a_letter_arrives_with_its_link_in_the_learners_language(
    office: PostOffice, mail_server: MailServer
) -> None:
    event = issued(office.institution, ZOE, title="Statistik & Recht")
    await office.hear(event, offered(event, code="one-time-code"))
    async with office.sending(office.mailer(mail_server.url())):
        [letter] = await mail_server.wait(1)
        assert await office.settled() == [("earned", "sent", None)]

    [row] = await office.rows("SELECT id, language, attempt, settled_at FROM letter")
    assert (row["language"], row["attempt"]) == ("de", 1)
    assert row["settled_at"] is not None
    assert letter.recipient == ZOE
    assert letter.sender == f"bounces+{row['id'].hex}.1@laurel.example"
    assert letter.message["Message-ID"] == f"<{row['id'].hex}.1@laurel.example>"
    assert letter.message["Subject"] == "Sie haben einen Nachweis erworben: Statistik & Recht"
    assert str(letter.message["From"]) == "University & Sons <letters@laurel.example>"
    assert f"https://registry.example/claim/{event.credential_id}#one-time-code" in letter.text
    assert f"https://registry.example/credentials/{event.credential_id}" in letter.text
    assert re.search(r"https://notifier\.example/unsubscribe/[\w-]{43}\n", letter.text.replace("\r\n", "\n"))
    assert "SMTPUTF8" not in letter.options


async def test_starttls_and_a_password_are_used_and_the_certificate_is_checked(
    office: PostOffice, secure_mail_server: MailServer
) -> None:
    server = secure_mail_server
    url = f"smtp://{USER}:{quote(PASSWORD, safe='')}@localhost:{server.port}"
    await write(office, ZOE)
    stranger = office.mailer(url, schedule=Schedule((0.1,) * 50))
    async with office.sending(stranger):
        await office.until_tried("tls-failed")
        assert stranger.trouble == "the mail server: tls-failed"
    assert server.letters == []

    context = ssl.create_default_context(cafile=str(server.certificate))
    async with office.sending(office.mailer(url, tls=context)):
        [letter] = await server.wait(1)
    assert letter.encrypted


async def test_a_wrong_password_is_trouble_of_the_server_and_gives_nobody_up(
    office: PostOffice, secure_mail_server: MailServer
) -> None:
    server = secure_mail_server
    context = ssl.create_default_context(cafile=str(server.certificate))
    await write(office, ZOE)
    wrong = office.mailer(f"smtp://{USER}:wrong@localhost:{server.port}", tls=context, schedule=Schedule((0.1,) * 50))
    async with office.sending(wrong):
        async with asyncio.timeout(20):
            while not await office.rows("SELECT FROM letter_attempt WHERE code = 535 AND n > 3"):
                await asyncio.sleep(0.05)
    assert await office.states() == [("earned", "pending", None)]


async def test_a_server_without_starttls_gets_nothing(office: PostOffice, mail_server: MailServer) -> None:
    await write(office, ZOE)
    url = f"smtp://127.0.0.1:{mail_server.port}"
    async with office.sending(office.mailer(url)):
        await office.until_tried("connection-failed")
    assert mail_server.letters == []


async def test_tls_from_the_first_byte_on(office: PostOffice, tls_mail_server: MailServer) -> None:
    await write(office, ZOE)
    context = ssl.create_default_context(cafile=str(tls_mail_server.certificate))
    async with office.sending(office.mailer(f"smtps://localhost:{tls_mail_server.port}", tls=context)):
        await tls_mail_server.wait(1)


async def test_a_missing_mailbox_is_a_bounce_and_is_spared_from_then_on(
    office: PostOffice, mail_server: MailServer
) -> None:
    await write(office, "gone-1@example.org", "full-1@example.org")
    async with office.sending(office.mailer(mail_server.url())):
        assert await office.settled() == [("earned", "bounced", "refused")] * 2
        await write(office, "GONE-1@example.org", "full-1@example.org")
        states = await office.settled()
    assert states[2:] == [("earned", "suppressed", "address-bounced"), ("earned", "bounced", "refused")]
    assert mail_server.tries == Counter({"gone-1@example.org": 1, "full-1@example.org": 2})
    attempts = await office.rows("SELECT code, status, error FROM letter_attempt ORDER BY at LIMIT 2")
    assert {(row["code"], row["status"]) for row in attempts} == {(550, "5.1.1"), (552, "5.2.2")}
    dump = str(await office.rows("SELECT * FROM letter_attempt")) + str(await office.rows("SELECT * FROM letter"))
    assert "gone-1" not in dump, "what the server said is not kept: it names the address"


async def test_greylisting_is_waited_out_under_the_same_message_id(office: PostOffice, mail_server: MailServer) -> None:
    await write(office, "grey-1@example.org")
    async with office.sending(office.mailer(mail_server.url())):
        [letter] = await mail_server.wait(1)
        await office.settled()
    assert mail_server.tries["grey-1@example.org"] == 3
    [row] = await office.rows("SELECT id, attempt FROM letter")
    assert row["attempt"] == 3
    assert letter.message["Message-ID"] == f"<{row['id'].hex}.1@laurel.example>"
    codes = [each["code"] for each in await office.rows("SELECT code FROM letter_attempt ORDER BY n")]
    assert codes == [451, 451, 250]


async def test_other_refusals_are_tried_a_few_times_and_blame_nobody(
    office: PostOffice, mail_server: MailServer
) -> None:
    await write(office, "policy-1@example.org", "body-1@example.org")
    async with office.sending(office.mailer(mail_server.url())):
        assert await office.settled() == [("earned", "exhausted", "refused")] * 2
    assert mail_server.tries == Counter({"policy-1@example.org": 3, "body-1@example.org": 3})
    assert await office.rows("SELECT FROM refusal") == []


async def test_a_server_that_hangs_or_breaks_off_holds_up_its_own_letter_alone(
    office: PostOffice, mail_server: MailServer
) -> None:
    fine = [f"fine-{number}@example.org" for number in range(20)]
    await write(office, "slow-1@example.org", "drop-1@example.org", *fine)
    mailer = office.mailer(mail_server.url(), timeout=1, schedule=Schedule((60,)))
    async with office.sending(mailer):
        letters = await mail_server.wait(20)
        await office.until_tried("timeout")
        await office.until_tried("connection-lost")
    assert {letter.recipient for letter in letters} == set(fine)


async def test_a_server_that_ends_connections_now_and_then_costs_no_try(
    office: PostOffice, mail_server: MailServer
) -> None:
    mail_server.letters_a_session = 3
    await write(office, *(f"fine-{number}@example.org" for number in range(40)))
    async with office.sending(office.mailer(mail_server.url())):
        await mail_server.wait(40)
        await office.settled()
    [row] = await office.rows("SELECT sum(attempt) AS tries FROM letter")
    assert row["tries"] == 40
    assert mail_server.sessions >= 13


async def test_a_server_that_is_away_costs_no_letter(office: PostOffice, mail_server: MailServer) -> None:
    await write(office, ZOE)
    async with office.sending(office.mailer("smtp://127.0.0.1:1?starttls=never")):
        await office.until_tried("connection-failed")
    async with office.sending(office.mailer(mail_server.url())):
        await mail_server.wait(1)
        assert await office.settled() == [("earned", "sent", None)]


async def test_a_local_part_of_another_script_needs_and_gets_smtputf8(
    office: PostOffice, mail_server: MailServer
) -> None:
    await write(office, "用户@例子.example", "zoe@straße.example")
    async with office.sending(office.mailer(mail_server.url())):
        letters = {letter.recipient: letter for letter in await mail_server.wait(2)}
    assert letters.keys() == {"用户@xn--fsqu00a.example", "zoe@xn--strae-oqa.example"}
    assert "SMTPUTF8" in letters["用户@xn--fsqu00a.example"].options
    assert letters["用户@xn--fsqu00a.example"].raw.count("用户@xn--fsqu00a.example".encode()) == 1
    assert "SMTPUTF8" not in letters["zoe@xn--strae-oqa.example"].options


async def test_names_that_try_to_inject_headers_arrive_as_names(office: PostOffice, mail_server: MailServer) -> None:
    evil = "Zoë\r\nBcc: everybody@example.org\r\n\r\nBuy now"
    await office.hear(registered(office.institution, name=evil, version=2))
    event = issued(office.institution, ZOE, name=evil + "ü" * 3000, title=evil, language=evil)
    await office.hear(event, offered(event))
    async with office.sending(office.mailer(mail_server.url())):
        [letter] = await mail_server.wait(1)
    assert letter.message["Bcc"] is None
    assert len(letter.message.get_all("To", [])) == 1
    assert letter.message["Reply-To"].addresses[0].addr_spec == "registrar@uni.example"
    assert letter.text.startswith("You earned a credential")


async def test_two_thousand_letters_shared_by_two_mailers_arrive_once_each(
    office: PostOffice, mail_server: MailServer
) -> None:
    [first, second] = [office.mailer(mail_server.url()) for _ in range(2)]
    events = [issued(office.institution, f"learner-{number}@example.org") for number in range(2000)]
    await office.hear(*events)
    await office.hear(*map(offered, events))
    async with office.sending(first, second):
        letters = await mail_server.wait(2000, seconds=200)
        await office.settled(60)
    assert sorted(letter.recipient for letter in letters) == sorted(
        f"learner-{number}@example.org" for number in range(2000)
    )
    for letter in letters:
        assert len(letter.message["To"].addresses) == 1, "nobody learns of anybody else"
    [row] = await office.rows("SELECT count(*) AS n, sum(attempt) AS tries FROM letter WHERE state = 'sent'")
    assert (row["n"], row["tries"]) == (2000, 2000)
    assert mail_server.sessions < 50, "connections are kept"


async def test_a_letter_whose_mailer_died_is_sent_again_by_another(office: PostOffice, mail_server: MailServer) -> None:
    await write(office, ZOE)
    async with office.db.worker_connection() as connection:
        taken = await letter_queue.claim(connection, timedelta(seconds=0.5))
        assert taken is not None
        assert await letter_queue.claim(connection, timedelta(seconds=0.5)) is None, "it is somebody's"
    async with office.sending(office.mailer(mail_server.url())):
        [letter] = await mail_server.wait(1)
        await office.settled()
    assert letter.message["Message-ID"] == f"<{taken.id.hex}.1@laurel.example>"
    attempts = await office.rows("SELECT n, error FROM letter_attempt ORDER BY n")
    assert attempts == [{"n": 1, "error": "interrupted"}, {"n": 2, "error": None}]


async def test_the_pace_is_kept_over_all_lanes(office: PostOffice, mail_server: MailServer) -> None:
    await write(office, *(f"fine-{number}@example.org" for number in range(30)))
    async with office.sending(office.mailer(mail_server.url(), per_minute=300)):
        await mail_server.wait(5)
        await asyncio.sleep(1)
        assert 5 <= len(mail_server.letters) <= 15, "a fifth of a second each"


async def test_who_waits_for_a_link_comes_first(office: PostOffice, mail_server: MailServer) -> None:
    await write(office, *(f"fine-{number}@example.org" for number in range(40)))
    event = issued(office.institution, ZOE)
    await office.hear(event, offered(event, "asked"))
    async with office.sending(office.mailer(mail_server.url(), per_minute=600)):
        await mail_server.wait(8)
    assert ZOE in [letter.recipient for letter in mail_server.letters[:4]]


async def test_what_is_revoked_before_it_is_sent_is_not_congratulated_for(
    office: PostOffice, mail_server: MailServer
) -> None:
    event = issued(office.institution, ZOE)
    await office.hear(event, offered(event), changed(event))
    async with office.sending(office.mailer(mail_server.url())):
        states = await office.settled()
    assert sorted(states) == [("earned", "suppressed", "revoked"), ("revoked", "sent", None)]
    [letter] = mail_server.letters
    assert "Plagiarism" not in letter.raw.decode(), "the reason is the institution's own word, perhaps about somebody"
