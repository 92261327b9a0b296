"""Every sentence that learners read here, in every language."""

import string
import tomllib
from typing import Any
from uuid import UUID

import pytest

from services.registry.domain.share import Platform
from services.registry.main import TEMPLATES, read_wording

WORDING = read_wording(TEMPLATES)
LANGUAGES = sorted(WORDING.languages)
PLATFORM = Platform(UUID(int=1), "p", "{name} & Co {0.__class__}", "https://p.example", "active")


def catalogue(tag: str) -> dict[str, Any]:
    return tomllib.loads((TEMPLATES / "languages" / f"{tag}.toml").read_text("utf-8"))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_there_are_the_languages_of_the_letters() -> None:
    letters = {path.stem for path in (TEMPLATES.parents[1] / "notifier/templates/languages").glob("*.toml")}
    assert letters == {"de", "en", "es", "fr"}
    assert WORDING.languages == {"de": "Deutsch", "en": "English", "es": "Español", "fr": "Français"}


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
