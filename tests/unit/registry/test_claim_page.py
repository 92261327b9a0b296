"""The page behind the link of a letter: nothing of it comes from elsewhere, and nothing runs that we did not write."""

import base64
import hashlib
import re
from html.parser import HTMLParser

from services.registry.api.claim_page import HEADERS, PAGE

POLICY = dict(part.strip().partition(" ")[::2] for part in HEADERS["Content-Security-Policy"].split(";"))


class Elements(HTMLParser):
    """Every element with its attributes, and the text of inline scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag = self.found[-1][0] if self.found else ""
        if tag in ("script", "style") and data.strip() and tag not in self.inline:
            self.inline[tag] = data


def elements() -> Elements:
    parser = Elements()
    parser.feed(PAGE)
    return parser


def test_the_policy_allows_the_pages_own_script_and_style_and_no_others() -> None:
    page = elements()
    for tag in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(page.inline[tag].encode()).digest()).decode()
        assert POLICY[f"{tag}-src"] == f"'sha256-{digest}'"
        assert [name for name, _ in page.found].count(tag) == 1
    assert POLICY["default-src"] == "'none'"
    assert POLICY["connect-src"] == "'self'"
    assert {POLICY[name] for name in ("base-uri", "form-action", "frame-ancestors")} == {"'none'"}


def test_nothing_is_loaded_from_anywhere() -> None:
    page = elements()
    loading = {"img", "link", "iframe", "object", "embed", "video", "audio", "source", "form", "base"}
    assert not loading & {name for name, _ in page.found}
    assert not [attributes for _, attributes in page.found if {"src", "style", "onclick", "href"} & attributes.keys()]
    assert "http" not in re.sub(r"\^https\?:\[/\]\[/\]", "", page.inline["script"])


def test_what_others_wrote_is_shown_as_text() -> None:
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", elements().inline["script"])


def test_it_can_be_read_by_everybody_and_on_a_phone() -> None:
    page = elements()
    assert ("html", {"lang": "en"}) in page.found
    assert any(attributes.get("name") == "viewport" for _, attributes in page.found)
    assert any(attributes.get("aria-live") == "polite" for _, attributes in page.found)
    assert {name for name, _ in page.found} >= {"title", "main", "h1", "noscript"}
    assert all(attributes.get("type") == "button" for name, attributes in page.found if name == "button")


def test_where_it_came_from_is_told_to_nobody_and_it_is_kept_nowhere() -> None:
    assert HEADERS["Referrer-Policy"] == "no-referrer"
    assert HEADERS["Cache-Control"] == "no-store"
