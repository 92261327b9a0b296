"""The sample platform's rules, its check of signatures, what it puts into pages, and that it stands on its own."""

import ast
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from examples.platform import badges, pages, signatures
from examples.platform.badges import Badge
from examples.platform.settings import Settings
from examples.platform.store import Store
from services.notifier.domain.signature import headers, key_of, new_secret
from shared.credentials.identity import hashed_identity

FOLDER = Path(badges.__file__).parent
NOW = 1_800_000_000
AT = datetime(2026, 5, 1, tzinfo=UTC)
BADGE = Badge("share", "credential")
ENTRY: dict[str, Any] = {
    "name": "<script>alert(1)</script>",
    "issuing_organization": {"name": "A & B", "url": "javascript:alert(1)", "did": "did:web:a.example"},
    "issued_on": "2026-05-01T00:00:00Z",
    "credential_url": "https://registry.example/credentials/1",
    "image_url": "https://a.example/x.png?\"onerror='alert(1)'",
    "skills": [{"name": "<b>", "url": "data:text/html,x"}],
}


def test_it_imports_nothing_of_laurel() -> None:
    names: set[str] = set()
    for file in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module))
    assert "fastapi" in names
    assert not {name for name in names if name.partition(".")[0] in ("services", "shared", "tests")}


def test_what_laurel_signs_is_taken_and_nothing_else() -> None:
    secret, body = new_secret(), b'{"type":"credential.shared"}'
    keys = [key_of(new_secret()), key_of(new_secret("v1a")), key_of(secret)]
    signed = headers("msg_1", NOW, body, keys)
    assert signatures.check(secret, signed, body, NOW + 299) == "msg_1"
    for spoiled, text, now in (
        (signed, body + b" ", NOW),
        ({**signed, "webhook-id": "msg_2"}, body, NOW),
        ({**signed, "webhook-timestamp": str(NOW + 1)}, body, NOW),
        ({**signed, "webhook-timestamp": "²"}, body, NOW),
        ({**signed, "webhook-signature": "v1,é v1 v1,= v2,AAAA"}, body, NOW),
        (headers("msg_1", NOW, body, keys[:2]), body, NOW),
        (signed, body, NOW + 301),
        (signed, body, NOW - 301),
        ({}, body, NOW),
    ):
        with pytest.raises(signatures.Refused):
            signatures.check(secret, spoiled, text, now)


@pytest.mark.parametrize("end", ["credential.unshared", "credential.revoked", "credential.expired"])
def test_what_has_ended_stays_ended_in_whatever_order_messages_come(end: str) -> None:
    for order in itertools.permutations(["credential.shared", "credential.suspended", "credential.reinstated", end]):
        badge = BADGE
        for kind in (*order, *order):
            badge = badges.after(badge, kind, AT, {"entry": ENTRY})
        assert badge.entry is None
        assert badge.is_over
        assert badge.owes_confirmation == (end != "credential.expired")


def test_what_was_revoked_after_it_expired_is_to_be_confirmed() -> None:
    expired = badges.after(BADGE, "credential.expired", AT, {})
    revoked = badges.after(expired, "credential.revoked", AT, {})
    assert revoked.owes_confirmation
    assert badges.after(revoked, "credential.expired", AT, {}) == revoked


def test_the_later_of_two_changes_counts() -> None:
    reinstated = badges.after(BADGE, "credential.reinstated", AT + timedelta(seconds=1), {})
    assert badges.after(reinstated, "credential.suspended", AT, {}).status == "active"
    assert badges.after(reinstated, "credential.suspended", AT + timedelta(seconds=2), {}).status == "suspended"


def test_a_credential_is_its_owners() -> None:
    members = {"ada": "ada@example.com", "bob": "bob@example.com"}
    identifier = hashed_identity("bob@example.com", "emailAddress", "salt")
    assert badges.owner({"credentialSubject": {"identifier": [identifier]}}, members) == "bob"
    assert badges.owner({"credentialSubject": {"identifier": [{**identifier, "salt": "other"}]}}, members) == ""
    assert badges.owner({"credentialSubject": {"id": "did:example:1"}}, members) == ""


def test_the_store_gives_back_what_it_was_given() -> None:
    store = Store(":memory:")
    shown = Badge("s1", "c1", ENTRY, "suspended", AT, member="ada")
    owed = Badge("s2", "c2", withdrawn=True)
    for badge in (shown, owed, Badge("s3", "c3", ENTRY), Badge("s4", "c4", withdrawn=True, confirmed=True)):
        store.put(badge)
    assert store.get("s1") == shown
    assert store.shown("ada") == [shown]
    assert store.unconfirmed() == [owed]
    assert [badge.share_id for badge in store.unassigned()] == ["s3"]
    assert [store.is_new("msg", now) for now in (0, 1, 8 * 86_400)] == [True, False, True]
    store.connection.close()


def test_a_page_is_escaped_and_links_only_where_it_is_safe() -> None:
    page = pages.render("profile.html", name="<i>", badges=[Badge("s", "c", ENTRY, "suspended", member="<i>")])
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert not [tag for tag in ("<script", "<b>", "<i>", "javascript:", "data:text", 'png?"') if tag in page]
    assert "Suspended" in page
    assert "A &amp; B" in page
    plain = {name: value for name, value in ENTRY.items() if name != "image_url"} | {
        "skills": [],
        "expires_on": "2026-05-02T00:00:00Z",
    }
    assert "expire" in pages.render("profile.html", name="ada", badges=[Badge("s", "c", plain)])


def test_settings_come_from_the_environment() -> None:
    given = {"LAUREL_CLIENT_ID": "id", "LAUREL_CLIENT_SECRET": "secret", "PLATFORM_PORT": "9100"}
    settings = Settings.of({**given, "PLATFORM_MEMBERS": "ada=Ada@Example.com, bob=bob@example.com"})
    assert settings.url == "http://127.0.0.1:9100"
    assert settings.members == {"ada": "ada@example.com", "bob": "bob@example.com"}
