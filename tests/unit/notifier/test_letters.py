"""Whether a letter is sent, what follows from a try, what a report means, and the link that ends letters."""

import base64
import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.bounce import NoReport, Report, read_report
from services.notifier.domain.delivery import Schedule
from services.notifier.domain.letter import (
    INTRODUCTION,
    KINDS,
    Addressee,
    Branding,
    ClaimedLetter,
    is_news,
    refused,
    why_not,
)
from services.notifier.domain.mail_server import MailServer
from services.notifier.domain.pace import Pace
from services.notifier.domain.posting import REFUSED_TRIES, Reply, Settled, settle
from services.notifier.domain.unsubscribing import credential_of, token_of
from services.notifier.settings import MAIL_SCHEDULE
from shared.credentials.sealing import Sealed, Sealer
from tests.fixtures.delivery_report import notification_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEDULE = Schedule.parse(MAIL_SCHEDULE)
LEARNER = Addressee(Sealed(b"x", "k"), "de", "Statistics", None, "active")
BRANDING = Branding("University", "https://uni.example", None, "registrar@uni.example")
LETTER = ClaimedLetter(
    id=uuid4(),
    institution_id=uuid4(),
    kind="earned",
    credential_id=uuid4(),
    endpoint_id=None,
    endpoint_url=None,
    endpoint_description=None,
    link=None,
    link_expires_at=NOW + timedelta(days=1),
    edition=1,
    attempt=1,
    tries=1,
    created_at=NOW - timedelta(hours=1),
    addressee=LEARNER,
    branding=BRANDING,
)


def key(name: str, letter: bytes) -> str:
    return f"{name}:{base64.b64encode(letter * 32).decode()}"


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("earned", "active", None),
        ("earned", "revoked", "revoked"),
        ("earned", "suspended", None),
        ("claim-link", "revoked", "revoked"),
        ("expiring-30", "active", None),
        ("expiring-30", "suspended", "suspended"),
        ("expiring-7", "revoked", "revoked"),
        ("expiring-7", "expired", "expired"),
        ("revoked", "revoked", None),
    ],
)
def test_a_letter_that_came_too_late_is_not_sent(kind: str, status: str, expected: str | None) -> None:
    letter = replace(LETTER, kind=kind, addressee=replace(LEARNER, status=status))  # type: ignore[arg-type]
    assert why_not(letter, NOW) == expected


def test_nobody_to_write_to_an_old_letter_and_a_dead_link_are_reasons_too() -> None:
    assert why_not(LETTER, NOW) is None
    assert why_not(replace(LETTER, addressee=replace(LEARNER, address=None)), NOW) == "no-address"
    assert why_not(replace(LETTER, link_expires_at=NOW), NOW) == "link-expired"
    old = replace(LETTER, created_at=NOW - timedelta(days=8))
    assert why_not(old, NOW) == "stale"
    assert why_not(replace(old, edition=2), NOW) is None
    institutions = replace(LETTER, kind="endpoint-disabled", credential_id=None, addressee=None)
    assert why_not(institutions, NOW) is None
    assert why_not(replace(institutions, branding=replace(BRANDING, email=None)), NOW) == "no-address"
    unknown = replace(institutions, branding=None, created_at=NOW - INTRODUCTION + timedelta(seconds=1))
    assert why_not(unknown, NOW) is None, "its own event may be on the way"
    assert why_not(unknown, NOW + timedelta(seconds=1)) == "no-address"
    assert why_not(replace(LETTER, branding=None), NOW) is None, "whose learner is known is sent when its name is"


def test_whoever_unsubscribed_gets_what_they_ask_for_and_nothing_else() -> None:
    for kind in KINDS:
        expected = None if kind == "claim-link" or kind.startswith("endpoint") else "unsubscribed"
        assert refused(replace(LETTER, kind=kind), frozenset({"unsubscribed"})) == expected
        assert refused(replace(LETTER, kind=kind), frozenset({"bounced"})) == "address-bounced"
        assert refused(replace(LETTER, kind=kind), frozenset()) is None
    again = replace(LETTER, edition=2)
    assert refused(again, frozenset({"bounced"})) is None, "a person vouches for the mailbox"
    assert refused(again, frozenset({"bounced", "unsubscribed"})) == "unsubscribed", "nobody speaks for the learner"


def test_events_of_last_month_are_no_news() -> None:
    assert is_news(NOW - timedelta(days=6), NOW)
    assert not is_news(NOW - timedelta(days=8), NOW)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply("accepted", 250, "2.0.0"), Settled("sent")),
        (Reply("recipient", 550, "5.1.1"), Settled("bounced", "refused", dead=True)),
        (Reply("recipient", 550), Settled("bounced", "refused", dead=True)),
        (Reply("recipient", 552, "5.2.2"), Settled("bounced", "refused", dead=False)),
    ],
)
def test_an_answer_about_the_recipient_settles_the_letter(reply: Reply, expected: Settled) -> None:
    assert settle(1, reply, SCHEDULE, NOW, 0.5) == expected


@pytest.mark.parametrize(
    "reply",
    [
        Reply("recipient", 451, "4.7.1"),
        Reply("recipient", 450),
        Reply("message", 452, "4.3.1"),
        Reply("sender", 421),
        Reply("connection", error="timeout"),
        Reply("connection", 535, "5.7.8"),
    ],
)
def test_what_may_pass_is_tried_for_two_days(reply: Reply) -> None:
    waited, now = timedelta(0), NOW
    for tries in range(1, 10):
        settled = settle(tries, reply, SCHEDULE, now, 0.5)
        assert settled.state == "pending"
        assert settled.next_at is not None
        assert settled.next_at > now
        waited, now = waited + (settled.next_at - now), settled.next_at
    assert timedelta(hours=44) < waited < timedelta(hours=48)
    assert settle(10, reply, SCHEDULE, now, 0.5) == Settled("exhausted", "undelivered")


@pytest.mark.parametrize(
    "reply", [Reply("sender", 553, "5.1.8"), Reply("message", 554, "5.6.0"), Reply("recipient", 554, "5.7.1")]
)
def test_what_is_refused_for_another_reason_is_tried_a_few_times_and_no_bounce(reply: Reply) -> None:
    states = [settle(tries, reply, SCHEDULE, NOW, 0.5) for tries in range(1, REFUSED_TRIES + 1)]
    assert [each.state for each in states] == ["pending"] * (REFUSED_TRIES - 1) + ["exhausted"]
    assert not any(each.dead for each in states)


def test_a_report_names_its_letter_and_what_became_of_it() -> None:
    assert read_report(notification_of(LETTER.id)) == Report(LETTER.id, "5.1.1", True)
    assert read_report(notification_of(LETTER.id, "delayed", "4.4.1 (no route)")) == Report(LETTER.id, "4.4.1", False)
    assert read_report(notification_of(LETTER.id, "Failed", "4.4.7")) == Report(LETTER.id, "4.4.7", True)
    assert read_report(notification_of(LETTER.id, "delivered", "2.0.0")).failed is False


def test_a_report_without_the_returned_message_is_known_by_where_it_went() -> None:
    to = f"bounces+{LETTER.id.hex}.1@mail.laurel.example"
    assert read_report(notification_of(LETTER.id, original="Subject: x", to=to)).letter_id == LETTER.id
    assert read_report(notification_of(LETTER.id, original="Subject: x")).letter_id is None


def test_a_whole_returned_message_is_read_as_well() -> None:
    raw = notification_of(LETTER.id).replace(b"text/rfc822-headers", b"message/rfc822")
    assert read_report(raw).letter_id == LETTER.id


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"Subject: hello\r\n\r\nhello",
        notification_of(LETTER.id, status="unknown"),
        notification_of(LETTER.id, action=""),
        b"\xff\x00" * 100,
        notification_of(LETTER.id).replace(b"message/delivery-status", b"text/plain"),
    ],
)
def test_other_mail_is_no_report(raw: bytes) -> None:
    with pytest.raises(NoReport):
        read_report(raw)


@given(st.data())
def test_no_mail_whatever_breaks_the_reader(data: st.DataObject) -> None:
    raw = bytearray(notification_of(LETTER.id))
    for _ in range(data.draw(st.integers(0, 20))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=20))
    with contextlib.suppress(NoReport):
        read_report(bytes(raw))


def test_a_link_stands_for_its_credential_under_any_key_and_cannot_be_made_up() -> None:
    old, new = Sealer.from_text(key("k1", b"a")), Sealer.from_text(f"{key('k2', b'b')},{key('k1', b'a')}")
    credential = uuid4()
    token = token_of(credential, old)
    assert credential_of(token, old) == credential_of(token, new) == credential
    assert token_of(credential, new) != token
    assert credential_of(token, Sealer.from_text(key("k2", b"b"))) is None
    assert credential_of(token_of(uuid4(), old)[:21] + token[21:], old) is None
    for wrong in ("", "A", token[:-1], token + "A", token + "=", token.swapcase(), "é", token[:5] + "\n" + token[5:]):
        assert credential_of(wrong, old) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mx.example", MailServer("mx.example", 587, None, None, False, True)),
        ("smtp://u:p%40ss@mx.example:2525?starttls=always", MailServer("mx.example", 2525, "u", "p@ss", False, True)),
        ("smtps://u:p@mx.example", MailServer("mx.example", 465, "u", "p", True, False)),
        ("smtp://relay:25?starttls=never", MailServer("relay", 25, None, None, False, False)),
        ("smtp://u:p@127.0.0.1:25?starttls=never", MailServer("127.0.0.1", 25, "u", "p", False, False)),
    ],
)
def test_a_mail_server_is_told_by_a_url(url: str, expected: MailServer) -> None:
    assert MailServer.parse(url) == expected


@pytest.mark.parametrize(
    "url",
    ["", "mx.example", "http://mx.example", "smtp://", "smtp://mx.example/path", "smtp://mx.example?tls=1", "smtp://u:se/cret@x",
     "smtp://u:secret@mx.example?starttls=never", "smtp://u:secret@mx.example:port", "smtps://mx.example?starttls=never"],
)  # fmt: skip
def test_what_is_no_mail_server_is_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        MailServer.parse(url)
    assert "cret" not in str(caught.value)


def test_letters_are_spread_evenly_over_the_minute() -> None:
    pace, now = Pace(60), 100.0
    assert pace.wait(now) == 0
    pace.sent(now)
    assert pace.wait(now) == pytest.approx(1)
    assert pace.wait(now + 5) == 0
    unlimited = Pace(0)
    unlimited.sent(now)
    assert unlimited.wait(now) == 0


def test_a_token_says_nothing_of_an_address() -> None:
    credential = UUID(int=7)
    raw = base64.urlsafe_b64decode(token_of(credential, Sealer.from_text(key("k1", b"a"))) + "=")
    assert raw[:16] == credential.bytes
    assert len(raw) == 32
