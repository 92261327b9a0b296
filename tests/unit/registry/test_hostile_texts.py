"""What institutions write is only text on the public page of a credential, whatever it is."""

import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from typing import Any

import pytest

from services.registry.domain.credential_page import Shown
from services.registry.domain.profile import Issuer
from services.registry.main import TEMPLATES, read_credential_page, read_wording
from tests.unit.registry.read_page import Read
from tests.unit.registry.shown import shown

WORDING = read_wording(TEMPLATES)
PAGE = read_credential_page(TEMPLATES, WORDING)
LANGUAGES = sorted(WORDING.languages)
HOSTILE = "</script></style></title>\"'><script>alert(1)</script><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}{name}"
TURNED = "\u202egnp.exe\u2066\u200f"
LONG = "W" * 10_000


def read(one: Shown, language: str = "en") -> Read:
    return Read(PAGE.html(one, language))


def hostile(text: str) -> Shown:
    """Everything that an institution can say is `text`, and every address one that runs something."""
    address = "javascript:alert(1)"

    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: spoilt(one) for name, one in value.items()}
        if isinstance(value, list):
            return [spoilt(one) for one in value]
        if isinstance(value, str):
            return address if value.startswith("http") else text
        return value

    achievement = spoilt(dict(shown().achievement))
    entry = shown(title=text, issuer=Issuer(text, address, None), **achievement).entry
    return replace(shown(), entry=entry, achievement=achievement)


@pytest.mark.parametrize("text", [HOSTILE, TURNED, LONG, "\n\t\x7f\x85\u2028", "—", "{% raw %}", "%s{0.__class__}"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_hostile_texts_are_only_texts(text: str, language: str) -> None:
    usual, page = read(shown(without=("image",)), language), read(hostile(text), language)
    allowed = {tag for tag, _ in usual.elements}
    assert {tag for tag, _ in page.elements} <= allowed
    assert not [one for _, one in page.elements if any(name.startswith("on") or name == "style" for name in one)]
    addresses = [one.get("href") or one.get("src") or "" for _, one in page.elements]
    assert all(re.match(r"https://|[?]lang=|$", address) for address in addresses), addresses
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert page.structured()["name"] == text, "also where it stands as data"
    assert PAGE.html(hostile(text), language).count("<") < 700
    if text == HOSTILE:
        assert page.words.count("{{ 7 * 7 }}{name}") > 10, "it is shown as it was written"


@pytest.mark.parametrize("text", [TURNED, HOSTILE, LONG])
def test_what_cannot_be_isolated_is_straightened_and_cut(text: str) -> None:
    page = read(hostile(text))
    for told in (page.inline["title"], page.meta("og:title"), page.meta("og:description"), page.meta("og:site_name")):
        assert told is not None
        assert len(told) <= 420
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x1f]", told)


@pytest.mark.parametrize("text", [TURNED, HOSTILE])
def test_what_others_wrote_keeps_its_direction_to_itself(text: str) -> None:
    whole = PAGE.html(hostile(text), "en")
    body = whole[whole.index("<main>") :]
    marked = re.escape(text[:8] if text == TURNED else "&lt;/script&gt;&lt;/style")
    before = [body[: found.start()] for found in re.finditer(marked, body)]
    assert len(before) > 10
    loose = [text[-80:] for text in before if not re.search(r"<(bdi|p class[^<]* dir=.auto.)[^<]*>$| lang=.$", text)]
    assert loose == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_policy_allows_the_style_and_no_script(language: str) -> None:
    policy = dict(part.strip().partition(" ")[::2] for part in PAGE.policy.split(";"))
    for html in (PAGE.html(shown(), language), PAGE.html(hostile(HOSTILE), language), PAGE.missing(language)):
        (style,) = re.findall("<style>(.*?)</style>", html, re.DOTALL)
        assert policy["style-src"] == f"'sha256-{b64encode(hashlib.sha256(style.encode()).digest()).decode()}'"
        assert re.findall("<script[^>]*>", html) in ([], ['<script type="application/ld+json">'])
    assert policy.keys() == {"default-src", "style-src", "img-src", "base-uri", "form-action", "frame-ancestors"}
    assert {policy[name] for name in ("default-src", "base-uri", "form-action", "frame-ancestors")} == {"'none'"}
