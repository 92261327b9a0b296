"""The page behind the link of a letter: it holds nothing from elsewhere, and nothing runs that we did not write."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pytest

from services.registry.api.claim_page import HEADERS
from services.registry.main import TEMPLATES, read_page, read_wording

WORDING = read_wording(TEMPLATES)
PAGE = read_page(TEMPLATES, WORDING)
LANGUAGES = sorted(WORDING.languages)
POLICY = dict(part.strip().partition(" ")[::2] for part in PAGE.policy.split(";"))


class Elements(HTMLParser):
    """Every element with its attributes, and the text of inline scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.found[-1] if self.found else ("", {})
        if tag in ("script", "style") and data.strip():
            self.inline.append((tag, attributes, data))

    def texts(self, tag: str, kind: str | None = None) -> list[str]:
        """What stands in the inline elements of a name and a type."""
        return [text for name, attributes, text in self.inline if name == tag and attributes.get("type") == kind]


@pytest.fixture(params=LANGUAGES)
def page(request: pytest.FixtureRequest) -> Elements:
    return Elements(PAGE.html(request.param))


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_the_pages_own_scripts_and_style_and_no_others(page: Elements) -> None:
    assert POLICY["script-src"].split() == [digest(text) for text in page.texts("script")]
    assert POLICY["style-src"].split() == [digest(text) for text in page.texts("style")]
    assert len(page.texts("style")) == 1
    assert (POLICY["default-src"], POLICY["connect-src"], POLICY["img-src"]) == ("'none'", "'self'", "https:")
    assert {POLICY[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}


def test_nothing_is_loaded_from_anywhere(page: Elements) -> None:
    loading = {"img", "link", "iframe", "object", "embed", "video", "audio", "source", "form", "base"}
    assert not loading & {name for name, _ in page.found}
    assert not [attributes for _, attributes in page.found if {"src", "style", "onclick", "href"} & attributes.keys()]
    own = r'/\^https\?:\[/\]\[/\]/|/\^https:\[/\]\[/\]/|"http://www\.w3\.org/2000/svg"'
    assert "http" not in re.sub(own, "", "".join(page.texts("script")))


def test_what_others_wrote_is_shown_as_text(page: Elements) -> None:
    scripts = "".join(page.texts("script"))
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(", scripts)


def test_every_language_comes_with_the_page(page: Elements) -> None:
    (text,) = page.texts("script", "application/json")
    assert json.loads(text) == {tag: WORDING.page(tag) for tag in LANGUAGES}
    assert not re.search(r"[<>&]", text), "no sentence can end the element it stands in"


@pytest.mark.parametrize("tag", LANGUAGES)
def test_it_says_which_language_it_is_in_and_which_others_there_are(tag: str) -> None:
    page = Elements(PAGE.html(tag))
    assert ("html", {"lang": tag}) in page.found
    options = [attributes for name, attributes in page.found if name == "option"]
    assert [option["lang"] for option in options] == [option["value"] for option in options] == LANGUAGES
    assert [option["value"] for option in options if "selected" in option] == [tag]
    assert f"<title>{WORDING.page(tag)['common']['title']}</title>" in PAGE.html(tag)
    assert WORDING.page(tag)["common"]["script"] in PAGE.html(tag), "for whoever has no JavaScript"


def test_it_can_be_read_by_everybody_and_on_a_phone(page: Elements) -> None:
    assert any(attributes.get("name") == "viewport" for _, attributes in page.found)
    assert any(attributes.get("role") == "status" for _, attributes in page.found)
    assert {name for name, _ in page.found} >= {"title", "main", "header", "h1", "label", "noscript"}
    assert all(attributes.get("type") == "button" for name, attributes in page.found if name == "button")


def luminance(colour: str) -> float:
    """As WCAG 2.2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_white_can_be_read_on_every_colour_of_a_drawn_badge() -> None:
    (listed,) = re.findall(r"COLOURS = \[(.*)\]", (TEMPLATES / "badge.js").read_text())
    ratios = {colour: 1.05 / (luminance(colour) + 0.05) for colour in re.findall("#[0-9a-f]{6}", listed)}
    assert len(ratios) == 6
    assert min(ratios.values()) >= 4.5, ratios


def test_where_it_came_from_is_told_to_nobody_and_it_is_kept_nowhere() -> None:
    assert HEADERS["Referrer-Policy"] == "no-referrer"
    assert HEADERS["Cross-Origin-Embedder-Policy"] == "credentialless"
    assert HEADERS["Cache-Control"] == "no-store"
