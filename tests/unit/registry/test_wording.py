"""Every sentence that learners read here, in every language."""

import re
import string
import tomllib
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import pytest

from services.registry.api import claims, shares
from services.registry.domain import credential_page
from services.registry.domain.record import Status
from services.registry.domain.share import Platform, ShareState
from services.registry.domain.standing import StandingName
from services.registry.main import TEMPLATES, read_wording
from shared.http import problems

WORDING = read_wording(TEMPLATES)
LANGUAGES = sorted(WORDING.languages)
PLATFORM = Platform(UUID(int=1), "p", "{name} & Co {0.__class__}", "https://p.example", "active")
# What the page's calls are answered by any service of ours.
GENERAL = (
    problems.Unauthorized,
    problems.Forbidden,
    problems.NotFound,
    problems.RequestTimeout,
    problems.TooManyRequests,
    problems.InternalError,
    problems.ServiceUnavailable,
)


def catalogue(tag: str) -> dict[str, Any]:
    return tomllib.loads((TEMPLATES / "languages" / f"{tag}.toml").read_text("utf-8"))


def sentences(tag: str) -> dict[str, str]:
    """Those of the page, by section and name."""
    page: dict[str, dict[str, str]] = catalogue(tag)["page"]
    return {f"{section}.{name}": text for section, named in page.items() for name, text in named.items()}


def record_sentences(tag: str) -> dict[str, str]:
    """Those of a credential's public page."""
    record: dict[str, str] = catalogue(tag)["record"]
    return {name: text for name, text in record.items() if isinstance(text, str)}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def named_in_the_record() -> set[str]:
    """The sentences that the layouts and the rules of a credential's page name, in full or by how they begin."""
    texts = "".join(path.read_text("utf-8") for path in TEMPLATES.glob("record*.html"))
    texts += Path(credential_page.__file__).read_text("utf-8")
    begun = {f"{kind}_" for kind in re.findall(r'word\("([a-z]+)"', texts)}
    named = set(re.findall(r"said[.]([a-z_]+)", texts)) | set(re.findall(r'said\["([a-z_]+)"\]', texts))
    named |= {f"{name}{rest}" for name in get_args(StandingName) for rest in ("", "_text")}
    return named | {name for name in record_sentences("en") if name.startswith(tuple(begun))}


def named_in_the_page() -> set[str]:
    """The keys that stand in the layout and the scripts in full."""
    sections = "|".join(catalogue("en")["page"])
    texts = "".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.*"))
    quoted = re.findall(rf'"((?:{sections})[.][a-z_]*[a-z])"', texts)
    return {*quoted, *re.findall(r"sentences[.]([a-z]+[.][a-z_]+)", texts)}


def put_together_by_the_page() -> set[str]:
    """The keys that the scripts make of what they are told: states, facts, verbs and the codes of problems."""
    own = [kind for kind in problems.every_problem() if kind.__module__ in (claims.__name__, shares.__name__)]
    codes = {kind.TYPE for kind in [*own, *GENERAL]} | {"unknown-platform", "unreachable"}
    states = {*get_args(ShareState), "absent", "show", "stop", "told_to_show", "told_to_stop"}
    facts = {*get_args(Status), "expired", "issuer", "issued", "valid_until"} - {"active"}
    return {
        *(f"problems.{code}" for code in codes),
        *(f"sharing.{state}" for state in states),
        *(f"credential.{fact}" for fact in facts),
    }


def test_there_are_the_languages_of_the_letters() -> None:
    letters = {path.stem for path in (TEMPLATES.parents[1] / "notifier/templates/languages").glob("*.toml")}
    assert letters == {"de", "en", "es", "fr"}
    assert WORDING.languages == {"de": "Deutsch", "en": "English", "es": "Español", "fr": "Français"}


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_language_lacks_no_sentence_and_no_value_in_it(tag: str) -> None:
    english, other = sentences("en"), sentences(tag)
    assert catalogue(tag).keys() == catalogue("en").keys()
    assert other.keys() == english.keys()
    for key, text in other.items():
        assert text.strip(), key
        assert placeholders(text) == placeholders(english[key]), key


@pytest.mark.parametrize("tag", sorted(set(LANGUAGES) - {"en"}))
def test_a_language_is_not_english(tag: str) -> None:
    assert not {key for key, text in sentences(tag).items() if text == sentences("en")[key]}


def test_every_sentence_that_the_page_says_is_there_and_no_other() -> None:
    assert named_in_the_page() | put_together_by_the_page() == sentences("en").keys()


@pytest.mark.parametrize("tag", LANGUAGES)
def test_a_language_lacks_no_sentence_of_the_public_page(tag: str) -> None:
    english, other = record_sentences("en"), record_sentences(tag)
    assert catalogue(tag)["record"].keys() == catalogue("en")["record"].keys()
    for name, text in other.items():
        assert text.strip(), name
        assert placeholders(text) == placeholders(english[name]), name
    assert len(set(catalogue(tag)["record"]["months"])) == 12


@pytest.mark.parametrize("tag", sorted(set(LANGUAGES) - {"en"}))
def test_the_public_page_is_not_english(tag: str) -> None:
    same = {name for name, text in record_sentences(tag).items() if text == record_sentences("en")[name]}
    assert same <= {"date", "first"}


def test_every_sentence_that_the_public_page_says_is_there_and_no_other() -> None:
    assert named_in_the_record() - {"months"} == record_sentences("en").keys()


@pytest.mark.parametrize("tag", LANGUAGES)
def test_the_consent_names_the_platform_and_its_address(tag: str) -> None:
    text = WORDING.consent(PLATFORM, tag)
    assert text.count(PLATFORM.name) >= 3
    assert "https://p.example" in text
    assert placeholders(catalogue(tag)["consent"]) == {"name", "url"}


def test_the_consent_says_what_is_told_and_that_it_can_be_withdrawn() -> None:
    text = WORDING.consent(PLATFORM, "en")
    assert text.startswith("I want {name} & Co {0.__class__} (https://p.example) to show this credential.")
    assert "not told my e-mail address" in text
    assert "withdraw" in text
