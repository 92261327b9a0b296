"""The message that leaves: headers that no name can break, stable ids, addresses of all kinds."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parsedate_to_datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.mail import Envelope, Parcel, Sender, letter_named, parcel, reference_of
from services.notifier.domain.mailbox import Mailbox, Recipient, UnusableAddress, mailbox_of
from services.notifier.domain.wording import Content

NOW = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
LETTER = UUID("0193a1f2-7c44-7d61-b3d0-0f8f6a1b2c3d")
REFERENCE = reference_of(LETTER, 1)
CONTENT = Content("de", "Grüße aus Köln", "Hallo Zoë,\n\n" + "ä" * 300 + "\n", "<p>Zoë</p>")
SENDER = Sender(Mailbox.of("letters@laurel.example"), Mailbox.of("bounces@mail.laurel.example"))
URL = "https://notifier.institution-with-a-very-long-name.example.org/unsubscribe/" + "t" * 60
ENVELOPE = Envelope(SENDER, "University & Sons", "registrar@uni.example", Mailbox.of("zoe@example.org", "Zoë"), URL)


def read(made: Parcel) -> EmailMessage:
    message = message_from_bytes(made.message, policy=SMTP)
    assert isinstance(message, EmailMessage)
    return message


def test_the_headers_say_what_mail_programs_need() -> None:
    made = parcel(ENVELOPE, CONTENT, REFERENCE, NOW)
    message = read(made)
    assert message["From"] == "University & Sons <letters@laurel.example>"
    assert message["To"].addresses[0].display_name == "Zoë"
    assert message["To"].addresses[0].addr_spec == made.recipient == "zoe@example.org"
    assert message["Reply-To"].addresses[0].addr_spec == "registrar@uni.example"
    assert message["Subject"] == "Grüße aus Köln"
    assert message["Message-ID"] == f"<{LETTER.hex}.1@laurel.example>"
    assert parsedate_to_datetime(message["Date"]) == NOW
    assert (message["Auto-Submitted"], message["Content-Language"]) == ("auto-generated", "de")
    assert message["List-Unsubscribe"] == f"<{URL}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert f"List-Unsubscribe: <{URL}>\r\n".encode() in made.message, "whole, as mail programs look for it"
    assert (made.name, made.utf8) == (REFERENCE, False)


def test_both_bodies_are_there_in_ascii_lines() -> None:
    made = parcel(ENVELOPE, CONTENT, REFERENCE, NOW)
    message = read(made)
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.iter_parts()
    assert text.get_content() == CONTENT.text.replace("\n", "\r\n")
    assert html.get_content().strip() == CONTENT.html
    assert made.message.isascii()
    _, _, body = made.message.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= 78
    assert b"\n" not in made.message.replace(b"\r\n", b"")


def test_what_cannot_be_delivered_comes_back_under_the_letters_name() -> None:
    assert parcel(ENVELOPE, CONTENT, REFERENCE, NOW).sender == f"bounces+{LETTER.hex}.1@mail.laurel.example"
    plain = replace(ENVELOPE, sender=replace(SENDER, bounces=None))
    assert parcel(plain, CONTENT, REFERENCE, NOW).sender == "letters@laurel.example"


def test_a_letter_keeps_its_id_over_all_tries_of_an_edition() -> None:
    first = read(parcel(ENVELOPE, CONTENT, reference_of(LETTER, 1), NOW))
    retried = read(parcel(ENVELOPE, CONTENT, reference_of(LETTER, 1), NOW.replace(hour=20)))
    resent = read(parcel(ENVELOPE, CONTENT, reference_of(LETTER, 2), NOW))
    assert first["Message-ID"] == retried["Message-ID"] != resent["Message-ID"]
    assert letter_named(first["Message-ID"]) == letter_named(resent["Message-ID"]) == LETTER
    assert letter_named(f"bounces+{REFERENCE}@mail.laurel.example") == LETTER
    assert letter_named("<somebody@else.example>") is None


def test_one_click_is_promised_over_https_alone_and_not_to_institutions() -> None:
    local = read(parcel(replace(ENVELOPE, unsubscribe="http://localhost:8004/unsubscribe/x"), CONTENT, REFERENCE, NOW))
    assert local["List-Unsubscribe"] == "<http://localhost:8004/unsubscribe/x>"
    assert "List-Unsubscribe-Post" not in local
    none = read(parcel(replace(ENVELOPE, unsubscribe=None, reply_to=None), CONTENT, REFERENCE, NOW))
    assert "List-Unsubscribe" not in none
    assert "Reply-To" not in none


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_no_name_makes_a_header_of_its_own(institution: str, learner: str, subject: str) -> None:
    envelope = replace(
        ENVELOPE, institution=institution + "\r\nBcc: a@b.example", recipient=Mailbox.of("z@x.example", learner)
    )
    made = parcel(envelope, replace(CONTENT, subject=subject + "\nX-Evil: 1"), REFERENCE, NOW)
    head = made.message.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    expected = "From To Reply-To Subject Date Message-ID Auto-Submitted Content-Language List-Unsubscribe"
    expected += " List-Unsubscribe-Post MIME-Version Content-Type"
    assert sorted(name.decode() for name in names) == sorted(expected.split())
    assert max(len(line) for line in head.split(b"\r\n") if not line.startswith(b"List-Unsubscribe:")) <= 80
    message = read(made)
    assert [a.addr_spec for a in message["To"].addresses] == ["z@x.example"]
    assert [a.addr_spec for a in message["From"].addresses] == ["letters@laurel.example"]


@pytest.mark.parametrize(
    "name", ["Müller, Zoë", 'Zoë "Z" <evil@x.example>', "=?utf-8?q?a?=", "名前" * 40, "a@b.example,", "(x)"]
)
def test_odd_names_stay_names(name: str) -> None:
    message = read(parcel(replace(ENVELOPE, recipient=Mailbox.of("z@x.example", name)), CONTENT, REFERENCE, NOW))
    [address] = message["To"].addresses
    assert address.addr_spec == "z@x.example"


@pytest.mark.parametrize(
    ("address", "expected", "utf8"),
    [
        ("a@b.example", "a@b.example", False),
        ("A.b+c@EXAMPLE.org", "A.b+c@example.org", False),
        ("zoe@straße.example", "zoe@xn--strae-oqa.example", False),
        ("用户@例子.example", "用户@xn--fsqu00a.example", True),
    ],
)
def test_addresses_of_other_scripts_are_spelt_for_the_envelope(address: str, expected: str, utf8: bool) -> None:
    mailbox = Mailbox.of(address)
    assert (mailbox.address, mailbox.needs_utf8) == (expected, utf8)
    made = parcel(replace(ENVELOPE, recipient=mailbox), CONTENT, REFERENCE, NOW)
    assert (made.recipient, made.utf8) == (expected, utf8)
    assert f"<{expected}>".encode() in made.message or f"To: {expected}".encode() in made.message


@pytest.mark.parametrize(
    "address",
    ["", "a", "@b.example", "a@", "a b@c.example", "a\r\nRCPT TO:<x@y.example>@c.example", "a@b.example>",
     "a@b\n.example", "<a@b.example", "a@-.example", "a@b..example", "a\x00@b.example", '"a b"@c.example',
     "a" * 321 + "@b.example"],
)  # fmt: skip
def test_what_would_break_out_of_a_command_is_no_address(address: str) -> None:
    with pytest.raises(UnusableAddress):
        Mailbox.of(address)


def test_a_recipient_is_read_from_the_event_and_back_from_its_row() -> None:
    recipient = Recipient.from_letter('{"email":"Zoe@Example.org","name":"Zoë","language":"de-AT"}')
    assert (recipient.mailbox.searchable, recipient.language) == ("email:zoe@example.org", "de-AT")
    assert mailbox_of(recipient.stored()) == recipient.mailbox == Mailbox("Zoe", "example.org", "Zoë")
    nameless = Recipient.from_letter('{"email":"a@b.example"}')
    assert (nameless.mailbox.name, nameless.language) == (None, None)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"email":7}', '{"email":"nobody"}', "a@b.example"])
def test_what_is_no_recipient_is_refused(text: str) -> None:
    with pytest.raises(UnusableAddress):
        Recipient.from_letter(text)


def test_references_hold_nothing_but_the_letter() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}\.3", reference_of(uuid4(), 3))
