"""Every letter in every language: complete, well-formed, and nothing in it that a name could break."""

import itertools
import re
import string
import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

import pytest

from services.notifier.domain.language import choose
from services.notifier.domain.letter import INSTITUTION_KINDS, KINDS, LetterKind
from services.notifier.domain.tidy import isolated, tidy
from services.notifier.domain.wording import LINE, Facts, Wording
from services.notifier.main import TEMPLATES, read_wording

WORDING = read_wording(TEMPLATES)
LANGUAGES = sorted(WORDING.languages)
LOGO = "https://uni.example/logo.png"
CREDENTIAL_URL = "https://registry.example/credentials/0193a1f2-7c44-7d61-b3d0-0f8f6a1b2c3d"
NAMED = {
    "institution": "University & Sons",
    "learner": "Zoë <Müller>",
    "credential": "Applied “Statistics”",
    "host": "hooks.example",
    "endpoint": "0193a1f2-7c44-7d61-b3d0-0f8f6a1b2c3e",
    "description": "Profiles <staging> & “more”",
}
# What a sentence of each kind may name besides what all letters have.
MUST_NAME: dict[LetterKind, set[str]] = {
    "earned": {"institution", "credential"},
    "claim-link": {"institution", "credential"},
    "expiring-30": {"institution", "credential", "valid_until"},
    "expiring-7": {"institution", "credential", "valid_until"},
    "revoked": {"institution", "credential"},
    "endpoint-failing": {"institution", "host", "endpoint"},
    "endpoint-disabled": {"institution", "host", "endpoint"},
}


def catalogue(tag: str) -> dict[str, Any]:
    return tomllib.loads((TEMPLATES / "languages" / f"{tag}.toml").read_text("utf-8"))


def facts(kind: LetterKind, **changes: Any) -> Facts:
    """Everything a letter of the kind can have."""
    made = Facts(kind, NAMED["institution"], "https://uni.example/", LOGO)
    if kind not in INSTITUTION_KINDS:
        made = replace(
            made,
            learner=NAMED["learner"],
            credential=NAMED["credential"],
            credential_url=CREDENTIAL_URL,
            valid_until=datetime(2028, 3, 4, tzinfo=UTC),
            button="https://registry.example/claim#code",
            unsubscribe="https://notifier.example/unsubscribe/token",
        )
    else:
        named = {name: NAMED[name] for name in ("host", "endpoint", "description")}
        made = replace(made, **named)  # type: ignore[arg-type]
    if kind in ("earned", "claim-link"):
        made = replace(made, link_expires_at=datetime(2026, 12, 1, tzinfo=UTC))
    return replace(made, **changes)


def every(kinds: tuple[LetterKind, ...] = KINDS) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("kind", "tag"), [(kind, tag) for kind in kinds for tag in LANGUAGES])


def placeholders(section: dict[str, Any]) -> set[str]:
    texts = [text for value in section.values() for text in (value if isinstance(value, list) else [value])]
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}


def test_there_are_at_least_four_languages_with_the_same_sentences() -> None:
    assert {"en", "de", "fr", "es"} <= set(LANGUAGES)
    english = catalogue("en")
    for tag in LANGUAGES:
        other = catalogue(tag)
        assert {name: set(section) for name, section in other.items()} == {
            name: set(section) for name, section in english.items()
        }
        assert len(other["date"]["months"]) == 12
        for name, section in english.items():
            assert placeholders(other[name]) == placeholders(section), (tag, name)
            assert {k for k, v in other[name].items() if not v} == {k for k, v in section.items() if not v}, (tag, name)


@pytest.mark.parametrize("kind", KINDS)
def test_sentences_name_what_the_letter_is_about(kind: LetterKind) -> None:
    for tag in LANGUAGES:
        assert placeholders(catalogue(tag)[kind]) == MUST_NAME[kind]


@every()
def test_a_letter_is_whole_in_text_and_html(kind: LetterKind, tag: str) -> None:
    given = facts(kind)
    letter = WORDING.letter(given, tag)
    assert letter.language == tag
    assert not re.search(r"[{}]", letter.text + re.sub(r"<style>.*?</style>", "", letter.html, flags=re.S))
    root = ElementTree.fromstring(letter.html.removeprefix("<!DOCTYPE html>"))
    shown = " ".join("".join(root.itertext()).split())
    plain = " ".join(letter.text.split())
    for text in (shown, plain):
        assert all(NAMED[name] in text for name in MUST_NAME[kind] if name in NAMED)
        assert ("2028" in text) == (given.valid_until is not None)
        assert (NAMED["learner"] in text) == (given.learner is not None)
        assert (NAMED["description"] in text) == (given.description is not None)
        assert (f"POST /v1/endpoints/{NAMED['endpoint']}/enable" in text) == (kind == "endpoint-disabled")
        assert (f"/v1/attempts?endpoint={NAMED['endpoint']}" in text) == (kind == "endpoint-failing")
    links = {element.get("href") for element in root.iter("a")}
    expected = {given.institution_url, given.credential_url, given.button, given.unsubscribe} - {None}
    assert links == expected
    assert all(link in letter.text.splitlines() for link in expected if link)


@every()
def test_plain_text_is_wrapped_and_the_subject_is_one_line(kind: LetterKind, tag: str) -> None:
    letter = WORDING.letter(facts(kind), tag)
    assert all(len(line) <= LINE or line.startswith("https://") for line in letter.text.splitlines())
    assert "\n\n\n" not in letter.text
    assert letter.subject
    assert letter.subject.isprintable()
    assert not re.search(r"\s{2}|[\r\n]", letter.subject)


@every()
def test_nothing_is_loaded_but_the_logo(kind: LetterKind, tag: str) -> None:
    html = WORDING.letter(facts(kind), tag).html
    loading = re.findall(r'\b(?:src|srcset|background|poster|data)="([^"]*)"', html)
    assert loading == [LOGO]
    assert not re.search(r"url\(|@import|<link|<script|<iframe|<object|\son\w+=", html)


@pytest.mark.parametrize(
    "logo", [None, "http://uni.example/logo.png", "javascript:alert(1)", "data:image/png;base64,AA"]
)
def test_a_logo_that_is_not_https_is_left_out(logo: str | None) -> None:
    assert "<img" not in WORDING.letter(facts("earned", logo=logo), "en").html


@every()
def test_names_cannot_break_out(kind: LetterKind, tag: str) -> None:
    evil = 'A\r\nBcc: x@example.com\x00\u2028</bdi></td><script>alert("1")</script>{0.__class__}{learner}\u202e'
    given = facts(kind)
    names = ("institution", "learner", "credential", "host", "description")
    changes = {name: evil for name in names if getattr(given, name)}
    letter = WORDING.letter(replace(given, **changes), tag)
    assert "<script" not in letter.html
    ElementTree.fromstring(letter.html.removeprefix("<!DOCTYPE html>"))
    assert "\u202e" not in letter.html + letter.text + letter.subject
    assert letter.subject.isprintable()
    assert "{0.__class__}" in letter.html, "names are not read as sentences"


def test_names_from_right_to_left_keep_their_direction_to_themselves() -> None:
    name = "جامعة المثال"
    letter = WORDING.letter(facts("earned", institution=name, credential=name), "en")
    wrapped = f"\u2068{name}\u2069"
    assert wrapped in letter.subject
    assert wrapped in " ".join(letter.text.split())
    assert f"<bdi>{wrapped}</bdi>" in letter.html
    assert isolated("plain") == "plain"


def test_very_long_names_are_cut() -> None:
    letter = WORDING.letter(facts("expiring-7", credential="word " * 2000, institution="W" * 5000), "de")
    assert len(letter.subject) < 200
    assert "…" in letter.subject
    assert len(letter.html) < 20_000
    assert tidy("a" * 300, 10) == "aaaaaaaaa…"


def test_a_letter_without_a_name_a_date_or_an_unsubscribe_link_says_nothing_of_them() -> None:
    given = facts("earned", learner=None, valid_until=None, unsubscribe=None, link_expires_at=None)
    letter = WORDING.letter(given, "en")
    assert "Hello," in letter.text
    assert "Valid until" not in letter.text + letter.html
    assert "No more letters" not in letter.text + letter.html


def test_an_endpoint_without_a_description_is_named_without_one() -> None:
    labels = {catalogue(tag)["letter"]["label_description"] for tag in LANGUAGES}
    for kind, tag in itertools.product(INSTITUTION_KINDS, LANGUAGES):
        letter = WORDING.letter(facts(kind, description=None), tag)
        assert not any(f"{label}:" in letter.text or f">{label}<" in letter.html for label in labels)
        assert NAMED["endpoint"] in letter.html


def test_a_sentence_that_names_something_unknown_is_an_error() -> None:
    layouts = {file.name: file.read_text("utf-8") for file in TEMPLATES.glob("*.*")}
    broken = (TEMPLATES / "languages/en.toml").read_text("utf-8").replace("{credential} to you", "{title} to you")
    wording = Wording(layouts, {"en": broken.replace("“{credential}” to you", "“{title}” to you")})
    with pytest.raises(KeyError, match="title"):
        wording.letter(facts("earned"), "en")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("DE_ch", "de"),
        ("fr-Latn-CA-x-private", "fr"),
        ("es-419", "es"),
        ("zh-Hant", "en"),
        ("", "en"),
        (None, "en"),
        ("d", "en"),
        ("x-de", "en"),
        ("-" * 1000, "en"),
    ],
)
def test_the_nearest_language_is_chosen(wanted: str | None, expected: str) -> None:
    assert choose(wanted, LANGUAGES) == expected


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_page_asks_confirms_and_takes_it_back_without_script(tag: str) -> None:
    asking, resumed = WORDING.page(tag, "asking"), WORDING.page(tag, "resumed")
    ended, for_good = WORDING.page(tag, "ended", again='x/"again"'), WORDING.page(tag, "ended")
    pages = (asking, ended, for_good, resumed)
    assert len(set(pages)) == len(pages)
    for page in pages:
        ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>"))
        assert f'lang="{tag}"' in page
        assert not re.search(r"<script|src=|href=|\son\w+=|style=", page)
        assert f"<style>{WORDING.page_style}</style>" in page
    assert 'name="List-Unsubscribe" value="One-Click"' in asking
    assert '<form method="post" action="x/&#34;again&#34;">' in ended
    assert not any("<form" in page for page in (for_good, resumed))
